from otter.test_files import test_case

OK_FORMAT = False

name = "q2"
points = 30

@test_case(points=6, hidden=False)
def test_names_and_weights_of_four(edge_names, mean_weights):
    import torch
    names = edge_names(('a', 'b', 'c', 'd'))
    expected = ['a -> b', 'a -> c', 'a -> d', 'b -> a']
    assert names[:4] == expected, f'expected {expected} first, got {names[:4]}'
    assert len(names) == 12, f'expected 12 edges, got {len(names)}'
    found = mean_weights(torch.arange(16.0).view(1, 4, 4))
    assert found.tolist() == [1, 2, 3, 4, 6, 7, 8, 9, 11, 12, 13, 14], f'got {found.tolist()}'

@test_case(points=6, hidden=False)
def test_vote_and_agreement_of_two(vote, agreement):
    import torch
    logits = torch.tensor([[1.0, 3.0], [2.0, -2.0]])
    present = torch.tensor([[True, True], [True, False]])
    found = vote(logits, present)
    assert found.tolist() == [2.0, 2.0], f'votes: expected [2, 2], got {found.tolist()}'
    assert logits.tolist() == [[1, 3], [2, -2]], 'vote changed the logits'
    found = agreement(logits)
    assert logits.tolist() == [[1, 3], [2, -2]], 'agreement changed the logits'
    assert found.tolist() == [2.0, 4.0], f'gaps: expected [2, 4], got {found.tolist()}'

