from otter.test_files import test_case

OK_FORMAT = False

name = "q3"
points = 35

@test_case(points=5, hidden=False)
def test_properties(ThresholdGDUnit):
    import torch
    from dmdlite.checks import require
    torch.manual_seed(0)
    unit = ThresholdGDUnit(6)
    with torch.no_grad():
        unit.theta.fill_(1.2)
    for training in (True, False):
        out = unit.train(training)(2 * torch.randn(8, 3, 6))
        kept = (out.weights > 0).sum((1, 2))
        assert (kept == 1).all(), f"theta = 1.2, {('in training' if training else 'after eval()')}: expected one edge a clip, got {kept.tolist()}; the properties count once this holds"
    require(ThresholdGDUnit, 'shape', 'finite', 'samples apart', 'zero diagonal', 'normalisation')

@test_case(points=5, hidden=False)
def test_a_low_threshold_is_the_plain_unit_a_high_one_keeps_the_strongest(ThresholdGDUnit):
    import dmdlite
    import torch
    torch.manual_seed(0)
    plain, unit, x = (dmdlite.GDUnit(6), ThresholdGDUnit(6), 2 * torch.randn(8, 3, 6))
    unit.load_state_dict(plain.state_dict() | {'theta': torch.tensor(-3.0)})
    assert torch.allclose(unit(x).weights, plain(x).weights, atol=1e-06), 'theta = -3 keeps all edges'
    with torch.no_grad():
        unit.theta.fill_(1.2)
    found = unit(x).weights
    kept, total = ((found > 0).sum((1, 2)), found.sum((1, 2)))
    assert (kept == 1).all(), f'theta = 1.2: expected one edge a clip, got {kept.tolist()}'
    assert torch.allclose(total, torch.ones(8)), f'expected weights that sum to 1, got {total.tolist()}'
    assert torch.equal(found.flatten(1).argmax(1), plain(x).weights.flatten(1).argmax(1)), 'the edge that is left should be the strongest of the plain unit'
    nobody = torch.zeros(8, 3, dtype=torch.bool)
    assert (unit(x, nobody).weights == 0).all(), 'a clip without modalities: expected weights of 0, got NaN or others'

@test_case(points=5, hidden=False)
def test_price_counts_edges(ThresholdGDUnit):
    import torch
    torch.manual_seed(0)
    unit, x = (ThresholdGDUnit(6, price=0.0), 2 * torch.randn(8, 3, 6))
    with torch.no_grad():
        unit.theta.fill_(0.0)
        present = torch.ones(8, 3, dtype=torch.bool)
        present[0] = False
        free, weights = (unit(x, present).loss.item(), unit(x, present).weights)
        unit.price = 0.5
        cost = unit(x, present).loss.item() - free
    kept = (weights > 0).sum((1, 2)).float().mean().item()
    assert kept < 6, f'theta = 0: expected some edges to go, {kept:.2f} of 6 stay'
    assert abs(cost - 0.5 * kept) < 0.0001, f'{kept:.2f} edges at 0.5 each, a mean over all clips of the batch: expected {0.5 * kept:.3f}, got {cost:.3f}'

@test_case(points=5, hidden=False)
def test_theta_learns(ThresholdGDUnit):
    import torch
    torch.manual_seed(0)
    unit, x = (ThresholdGDUnit(6, price=0.0), 2 * torch.randn(16, 3, 6))
    with torch.no_grad():
        unit.theta.fill_(0.0)
    from_gaps, = torch.autograd.grad(unit(x).loss, unit.theta, allow_unused=True)
    assert from_gaps is not None, 'expected a gradient of Eq. 9 for theta, got none'
    assert from_gaps.abs() > 1e-06, f'expected a gradient of Eq. 9 for theta, got {from_gaps:.1e}'
    unit.price = 10.0
    with_price, = torch.autograd.grad(unit(x).loss, unit.theta)
    change = float(with_price - from_gaps)
    assert change < 0, f'gradient that the price adds for theta: expected one below 0, so that a step pushes theta up, got {change:.4f} (0: the edges were counted without their gates)'

