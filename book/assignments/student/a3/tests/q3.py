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

