from otter.test_files import test_case

OK_FORMAT = False

name = "q4"
points = 25

@test_case(points=5, hidden=False)
def test_without_features_it_is_the_plain_unit(FeatureGDUnit):
    import dmdlite
    import torch
    x = torch.tensor([[[1.0, 0, 0, 0, 0, 0], [0, 1.0, 0, 0, 0, 0], [0, 0, 1.0, 0, 0, 0]]])
    out = FeatureGDUnit(6, beta=100.0)(x)
    angle = out.discrepancy[0, 0, 1] - (out.logits[0, 1] - out.logits[0, 0]).abs()
    assert abs(angle.item() - 100) < 0.01, f'first of all: beta = 100 at right angles adds 100 to |gap|, got {angle.item():.2f}'
    torch.manual_seed(0)
    plain, unit, x = (dmdlite.GDUnit(6, 4), FeatureGDUnit(6, 4, beta=0.0), torch.randn(8, 4, 6))
    unit.load_state_dict(plain.state_dict())
    found, expected = (unit(x).loss.item(), plain(x).loss.item())
    assert abs(found - expected) < 1e-06, f'beta = 0: expected the loss of Eq. 9, {expected:.4f}, got {found:.4f}'

@test_case(points=5, hidden=False)
def test_discrepancy_is_both_gaps(FeatureGDUnit):
    import torch
    import torch.nn.functional as F
    torch.manual_seed(1)
    unit, x = (FeatureGDUnit(6, beta=0.5), torch.randn(8, 3, 6))
    out = unit(x)
    z, eps = (out.logits, out.discrepancy)
    expected = (z[:, 1] - z[:, 0]).abs() + 0.5 * (1 - F.cosine_similarity(x[:, 0], x[:, 1], dim=-1))
    assert torch.allclose(eps[:, 0, 1], expected, atol=1e-05), 'edge 0 -> 1: |gap| + beta (1 - cos)'
    unit, x = (FeatureGDUnit(6, 5, beta=0.5), torch.randn(8, 5, 6))
    z, eps = (unit(x)[0], unit(x).discrepancy)
    expected = (z[:, 1] - z[:, 4]).abs() + 0.5 * (1 - F.cosine_similarity(x[:, 4], x[:, 1], dim=-1))
    assert torch.allclose(eps[:, 4, 1], expected, atol=1e-05), 'five modalities, edge 4 -> 1: |gap| + beta (1 - cos)'

