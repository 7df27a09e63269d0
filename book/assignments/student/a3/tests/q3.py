from otter.test_files import test_case

OK_FORMAT = False

name = "q3"
points = 15

@test_case(points=5, hidden=False)
def test_by_hand(attention_gaps):
    import torch
    maps = torch.tensor([[[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]]])
    expected = torch.tensor([[[0.0, 2.0, 0.8], [2.0, 0.0, 0.4], [0.8, 0.4, 0.0]]])
    found = attention_gaps(maps)
    assert torch.allclose(found, expected, atol=1e-05), f'expected {expected}, got {found}'

@test_case(points=5, hidden=False)
def test_gradient_reaches_the_student_alone(attention_gaps):
    import torch
    maps = torch.rand(4, 3, 8, generator=torch.manual_seed(0)).requires_grad_()
    gap = attention_gaps(maps)
    for i, j in ((0, 1), (1, 0), (2, 1)):
        g, = torch.autograd.grad(gap[:, i, j].sum(), maps, retain_graph=True)
        moved = [k for k in range(3) if g[:, k].abs().max() > 0]
        assert moved == [j], f'edge {i} -> {j}: expected to move {[j]}, moves {moved}'

