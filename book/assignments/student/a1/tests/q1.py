from otter.test_files import test_case

OK_FORMAT = False

name = "q1"
points = 15

@test_case(points=3, hidden=False)
def test_by_hand(top_k_edges):
    import torch
    scores = torch.tensor([[[9.0, 7.0, 6.0], [3.0, 9.0, 5.0], [4.0, 0.0, 9.0]]])
    edges = ~torch.eye(3, dtype=torch.bool)[None]
    expected = [[[False, True, True], [False, False, False], [True, False, False]]]
    found = top_k_edges(scores, edges, 1)
    assert found.dtype == torch.bool, f'expected a mask of bool, got {found.dtype}'
    assert found.tolist() == expected, f'k = 1: expected {expected}, got {found.tolist()}'

@test_case(points=3, hidden=False)
def test_every_student_keeps_k(top_k_edges):
    import torch
    scores = torch.randn(4, 5, 5, generator=torch.manual_seed(0))
    edges = (~torch.eye(5, dtype=torch.bool)).expand(4, -1, -1)
    for k, expected in ((1, 1), (2, 2), (4, 4), (9, 4)):
        into = top_k_edges(scores, edges, k).sum(1)
        assert into.shape == (4, 5), f'expected a mask of shape [4, 5, 5], got {list(into.shape)} summed over teachers'
        assert (into == expected).all(), f'k = {k} of four teachers: expected {expected} edges into each student, got {into[0].tolist()}'

