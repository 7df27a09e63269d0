from otter.test_files import test_case

OK_FORMAT = False

name = "q4"
points = 5

@test_case(points=2, hidden=False)
def test_by_hand(edges_in_use):
    import torch
    weights = torch.tensor([[[0.0, 0.5], [0.5, 0.0]], [[0.0, 0.995], [0.005, 0.0]]])
    found = edges_in_use(weights)
    assert abs(found - 1.5) < 1e-06, f'two edges and one: expected 1.5, got {found}'

