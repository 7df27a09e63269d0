from otter.test_files import test_case

OK_FORMAT = False

name = "q2"
points = 20

@test_case(points=5, hidden=False)
def test_by_hand(attention_map):
    import torch
    x = torch.tensor([[[1.0, 1.0]] * 3 + [[0.0, 0.0], [2.0, 2.0], [9.0, 9.0]]])
    mask = torch.tensor([[True, True, True, True, True, False]])
    expected = torch.tensor([[2.0, 4.0]]) / 20 ** 0.5
    found = attention_map(x, mask, bins=2).float()
    assert torch.allclose(found, expected, atol=1e-05), f'expected {expected}, got {found}'

@test_case(points=3, hidden=False)
def test_norm(attention_map):
    import torch
    x, mask = (torch.randn(4, 30, 5, generator=torch.manual_seed(0)), torch.ones(4, 30).bool())
    x[:, 15:] *= 3
    found = attention_map(x, mask).float()
    norms = found.norm(dim=1)
    assert torch.allclose(norms, torch.ones(4), atol=1e-05), f'expected norms of 1, got {norms.tolist()}'
    assert (found[:, 4:].sum(1) > 3 * found[:, :4].sum(1)).all(), 'the second half of the clip holds nine times the energy, and the map does not show it'

