from otter.test_files import test_case

OK_FORMAT = False

name = "q4"
points = 30

@test_case(points=6, hidden=False)
def test_a_unit_takes_it(prior_from_data):
    import dmdlite
    import torch
    g = torch.manual_seed(0)
    y = torch.randn(120, generator=g)
    for m in (2, 4):
        x = [y[:, None] + (m - k) * torch.randn(120, 5, generator=g) for k in range(m)]
        prior = prior_from_data(x, y)
        assert torch.is_tensor(prior), f'expected a tensor, got {type(prior).__name__}'
        assert prior.shape == (m, m), f'expected shape {[m, m]}, got {list(prior.shape)}'
        assert abs(float(prior.sum()) - 1) < 0.0001, f'expected a sum of 1, got {float(prior.sum()):.3f}'
        assert prior[m - 1, 0] > prior[0, m - 1], 'the clearest modality should teach the least clear one more than it learns from it'
        dmdlite.GDUnit(6, m, prior=prior)(torch.randn(3, m, 6, generator=g))

@test_case(points=6, hidden=False)
def test_who_knows_teaches(prior_from_data):
    import torch
    g = torch.manual_seed(1)
    y = torch.randn(200, generator=g)
    noise = [0.5, 3.0, 30.0, 1.5]
    x = [y[:, None] + n * torch.randn(200, 6, generator=g) for n in noise]
    prior = prior_from_data(x, y)
    sent = prior.sum(1)
    assert int(sent.argmax()) == 0, f'the clearest modality should send most: {sent.tolist()}'
    assert int(sent.argmin()) == 2, f'pure noise should send least: {sent.tolist()}'
    assert prior[0, 2] > prior[2, 0], 'noise should learn from the clear one, not teach it'
    assert prior[0, 2] > prior[0, 3], 'the clearest modality should teach noise more than one that knows something: an edge weighs more, the better its teacher predicts than its student'
    assert prior[0, 1] > prior[3, 1] > prior[2, 1], f'of three teachers of one student, the clearer weighs more: {prior[[0, 3, 2], 1].tolist()}'

