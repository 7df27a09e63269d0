from otter.test_files import test_case

OK_FORMAT = False

name = "q4"
points = 5

@test_case(points=2, hidden=False)
def test_by_hand(edges_in_use):
    import torch
    weights = torch.tensor([[[0.0, 0.5], [0.5, 0.0]], [[0.0, 0.995], [0.005, 0.0]]])
    for clips, expected in ((weights, 1.5), (weights[1:], 1.0)):
        found = edges_in_use(clips)
        assert abs(found - expected) < 1e-06, f'two edges and one, then one alone: expected {expected}, got {found}'

