from otter.test_files import test_case

OK_FORMAT = False

name = "q3"
points = 25

@test_case(points=5, hidden=False)
def test_learned_half(learned_half):
    import dmdlite
    import torch
    torch.manual_seed(0)
    prior = torch.tensor([[0.0, 3.0, 1.0], [0.0, 0.0, 0.0], [2.0, 2.0, 0.0]])
    plain, unit, x = (dmdlite.GDUnit(6), dmdlite.GDUnit(6, prior=prior), torch.randn(4, 3, 6))
    unit.load_state_dict(plain.state_dict(), strict=False)
    mixed, given = (unit(x).weights.detach(), prior.clone())
    before, expected = (mixed.clone(), plain(x).weights.detach())
    found = learned_half(mixed, prior)
    assert torch.equal(mixed, before), 'the weights were changed: copy them'
    assert torch.equal(prior, given), 'the prior was changed: copy it'
    worst = float((found - expected).abs().max())
    assert worst < 1e-05, f'expected the weights without the prior, got {worst:.3f} off (was the prior, which sums to 8 here, scaled first?)'
    found = learned_half(unit(x).weights.detach(), prior.tolist())
    assert float((found - expected).abs().max()) < 1e-05, 'a prior given as a nested list'
    assert torch.equal(learned_half(expected, None), expected), 'no prior: all of it is learned'

@test_case(points=5, hidden=False)
def test_missing_modalities(learned_half):
    import dmdlite
    import torch
    torch.manual_seed(1)
    prior = [[0.0, 3.0, 1.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    plain, unit, x = (dmdlite.GDUnit(6), dmdlite.GDUnit(6, prior=prior), torch.randn(3, 3, 6))
    unit.load_state_dict(plain.state_dict(), strict=False)
    present = torch.tensor([[True, True, True], [True, False, True], [False, True, True]])
    mixed, expected = (u(x, present).weights.detach() for u in (unit, plain))
    found = learned_half(mixed, prior, present)
    for clip, what in enumerate(('all there', "one of the prior's edges left", 'none of them left')):
        worst = float((found[clip] - expected[clip]).abs().max())
        assert worst < 1e-05, f'{what}: expected the learned weights, got {worst:.3f} off'

@test_case(points=4, hidden=False)
def test_apart_by_hand(apart):
    import torch
    prior = [[0.0, 2.0], [2.0, 0.0]]
    for graph, expected in (([[0.0, 0.5], [0.5, 0.0]], 0.0), ([[0.0, 1.0], [0.0, 0.0]], 0.5), ([[0.0, 0.9], [0.1, 0.0]], 0.4)):
        found = apart(torch.tensor(graph), prior)
        assert abs(found - expected) < 1e-06, f'{graph} from half and half: expected {expected}, got {found:.3f}'

