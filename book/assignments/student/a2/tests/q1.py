from otter.test_files import test_case

OK_FORMAT = False

name = "q1"
points = 10

@test_case(points=3, hidden=False)
def test_by_hand(edges_used):
    import torch
    weights = torch.zeros(4, 3, 3)
    weights[0] = (1 - torch.eye(3)) / 6
    weights[1, 0, 2] = 1.0
    weights[2, 0, 1] = weights[2, 1, 0] = 0.5
    weights[3, 0, 1], weights[3, 1, 0] = (0.8, 0.2)
    before, expected = (weights.clone(), torch.tensor([6.0, 1.0, 2.0, 1.649]))
    found = torch.as_tensor(edges_used(weights)).float()
    assert torch.equal(weights, before), 'the weights were changed: copy them'
    assert torch.allclose(found, expected, atol=0.001), f'six equal edges, one edge, two equal edges, 0.8 and 0.2: expected [6, 1, 2, 1.649], got {found.tolist()}'

