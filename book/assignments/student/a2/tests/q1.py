from otter.test_files import test_case

OK_FORMAT = False

name = "q1"
points = 10

@test_case(points=3, hidden=False)
def test_by_hand(edges_used):
    import torch
    weights = torch.zeros(3, 3, 3)
    weights[0] = (1 - torch.eye(3)) / 6
    weights[1, 0, 2] = 1.0
    weights[2, 0, 1] = weights[2, 1, 0] = 0.5
    found = edges_used(weights)
    assert torch.allclose(found, torch.tensor([6.0, 1.0, 2.0])), f'six equal edges, one edge, two equal edges: expected [6, 1, 2], got {found.tolist()}'

