from otter.test_files import test_case

OK_FORMAT = False

name = "q1"
points = 55

@test_case(points=8, hidden=False)
def test_contract(MyGDUnit):
    from dmdlite.checks import require
    require(MyGDUnit, 'shape', 'input untouched', 'same twice', 'finite', 'samples apart', 'zero diagonal', 'normalisation')

@test_case(points=7, hidden=False)
def test_budget(MyGDUnit):
    import dmdlite
    from dmdlite.checks import testbed
    parameters, operations = testbed.cost(MyGDUnit)
    plain = testbed.cost(dmdlite.GDUnit)[1]
    assert parameters <= 4000, f'expected at most 4000 parameters, got {parameters}'
    assert operations <= 10 * plain, f'expected at most 10 times the operations, got {operations / plain:.1f}'

@test_case(points=10, hidden=False)
def test_more_than_linear(MyGDUnit):
    import torch
    torch.manual_seed(0)
    w = MyGDUnit(16)(3 * torch.randn(64, 3, 16)).weights.detach().double()
    one_way, other_way = (w[:, 0, 1] * w[:, 1, 2] * w[:, 2, 0], w[:, 0, 2] * w[:, 2, 1] * w[:, 1, 0])
    off = float((one_way / other_way - 1).abs().max())
    assert off > 0.01, f'the two ways round a cycle weigh the same (ratio within {off:.1e} of 1, expected more than 0.01): terms of one end, or alike in both directions, cancel; see rule 3'

