from otter.test_files import test_case

OK_FORMAT = False

name = "q1"
points = 20

@test_case(points=4, hidden=False)
def test_by_hand(cosine_gaps):
    import torch
    x = torch.tensor([[[2.0, 0.0], [0.0, 3.0], [-1.0, 0.0]]])
    expected = torch.tensor([[[0.0, 1.0, 2.0], [1.0, 0.0, 1.0], [2.0, 1.0, 0.0]]])
    found = cosine_gaps(x)
    assert torch.allclose(found, expected, atol=1e-06), f'right angles and opposites: expected {expected.tolist()}, got {found.tolist()}'

@test_case(points=5, hidden=False)
def test_gradient_reaches_the_student_alone(cosine_gaps):
    import torch
    x = torch.randn(4, 3, 5, generator=torch.manual_seed(0)).requires_grad_()
    gap = cosine_gaps(x)
    for i, j in ((0, 1), (1, 0), (2, 1)):
        g, = torch.autograd.grad(gap[:, i, j].sum(), x, retain_graph=True)
        moved = [k for k in range(3) if g[:, k].abs().max() > 1e-07]
        assert moved == [j], f'edge {i} -> {j}: expected to move {[j]}, moves {moved}'
        angle = 1 - torch.cosine_similarity(x[:, i].detach(), x[:, j], dim=-1)
        expected, = torch.autograd.grad(angle.sum(), x)
        assert torch.allclose(g, expected, atol=1e-05), f'edge {i} -> {j}: the student moves, but not along the slope of 1 - cosine (is its length detached?)'

