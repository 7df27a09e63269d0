from otter.test_files import test_case

OK_FORMAT = False

name = "q2"
points = 15

@test_case(points=5, hidden=False)
def test_properties(TemperedGDUnit):
    from dmdlite.checks import require
    require(TemperedGDUnit, 'shape', 'zero diagonal', 'normalisation', 'edge scores', 'loss')

@test_case(points=4, hidden=False)
def test_hot_is_level_and_cold_is_one_edge(TemperedGDUnit):
    import torch
    torch.manual_seed(0)
    x, off = (2 * torch.randn(8, 4, 6), ~torch.eye(4, dtype=torch.bool))
    hot = TemperedGDUnit(6, 4, temperature=10000.0)(x).weights[:, off]
    off = float((hot - 1 / 12).abs().max())
    assert off < 0.001, f'temperature 10,000: expected twelve equal weights, got one {off:.3f} off'
    cold = TemperedGDUnit(6, 4, temperature=0.0001)(x).weights.amax((1, 2))
    assert (cold > 0.99).all(), f'temperature 0.0001: expected one edge of weight 1, got {cold.min():.2f}'

