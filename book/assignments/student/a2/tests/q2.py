from otter.test_files import test_case

OK_FORMAT = False

name = "q2"
points = 15

@test_case(points=5, hidden=False)
def test_properties(TemperedGDUnit):
    import dmdlite
    import torch
    from dmdlite.checks import require
    torch.manual_seed(0)
    plain, warm, x = (dmdlite.GDUnit(6), TemperedGDUnit(6, temperature=4.0), torch.randn(4, 3, 6))
    warm.load_state_dict(plain.state_dict())
    off = ~torch.eye(3, dtype=torch.bool)
    cooled = plain(x).weights[:, off].pow(0.25)
    expected = cooled / cooled.sum(1, keepdim=True)
    assert torch.allclose(warm(x).weights[:, off], expected, atol=1e-05), 'temperature 4: expected the plain weights to the power of 1/4, rescaled; what else is asked counts once this holds'
    require(TemperedGDUnit, 'shape', 'zero diagonal', 'normalisation', 'edge scores', 'loss')

@test_case(points=4, hidden=False)
def test_hot_is_level_and_cold_is_one_edge(TemperedGDUnit):
    import torch
    torch.manual_seed(0)
    x, off = (2 * torch.randn(8, 4, 6), ~torch.eye(4, dtype=torch.bool))
    with torch.no_grad():
        hot = TemperedGDUnit(6, 4, temperature=10000.0)(x).weights[:, off]
        cold = TemperedGDUnit(6, 4, temperature=0.0001)(x).weights.amax((1, 2))
    worst = float((hot - 1 / 12).abs().max())
    assert worst < 0.001, f'temperature 10,000: expected twelve equal weights, got one {worst:.3f} off'
    assert (cold > 0.99).all(), f'temperature 0.0001: expected one edge of weight 1, got {cold.min():.2f}'

