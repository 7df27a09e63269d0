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
    found, expected = (learned_half(unit(x).weights.detach(), prior), plain(x).weights.detach())
    worst = float((found - expected).abs().max())
    assert worst < 1e-05, f'expected the weights without the prior, got {worst:.3f} off (was the prior, which sums to 8 here, scaled first?)'
    found = learned_half(unit(x).weights.detach(), prior.tolist())
    assert float((found - expected).abs().max()) < 1e-05, 'a prior given as a nested list'
    assert torch.equal(learned_half(expected, None), expected), 'no prior: all of it is learned'

@test_case(points=6, hidden=False)
def test_noise_learns_the_prior(learned_on_noise):
    prior = [[0.0, 0.5, 0.5], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    found = learned_on_noise(prior, 3)
    share = float(found[0, 1:].sum())
    assert share > 0.8, f"share of the prior's two edges: expected above 0.8, got {share:.2f}"
    assert abs(float(found.sum()) - 1) < 0.001, f'expected weights that sum to 1, got {found.sum()}'
    assert not found.requires_grad, 'expected a result without gradient'

