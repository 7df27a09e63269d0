from otter.test_files import test_case

OK_FORMAT = False

name = "q1"
points = 55

@test_case(points=8, hidden=False)
def test_contract(MyGDUnit):
    import dmdlite
    import torch
    from dmdlite.checks import require
    from dmdlite.checks.beyond_linear import require_more_than_linear
    require_more_than_linear(MyGDUnit)
    for name in ('weigh', 'gaps', 'forward'):
        assert getattr(MyGDUnit, name) is getattr(dmdlite.GDUnit, name), f'{name}: everything but edge_scores and its layers stays that of the plain unit'
    logit = MyGDUnit(6).logit
    assert type(logit) is torch.nn.Linear, f'f stays linear, got {type(logit).__name__}'
    require(MyGDUnit, 'shape', 'input untouched', 'same twice', 'finite', 'samples apart', 'zero diagonal', 'normalisation', 'number of modalities', 'graph not bent', 'parameters registered')

@test_case(points=7, hidden=False)
def test_budget(MyGDUnit):
    import dmdlite
    from dmdlite.checks import testbed
    from dmdlite.checks.beyond_linear import require_more_than_linear
    require_more_than_linear(MyGDUnit)
    parameters, operations = testbed.cost(MyGDUnit)
    plain = testbed.cost(dmdlite.GDUnit)[1]
    assert parameters <= 4000, f'expected at most 4000 parameters, got {parameters}'
    assert operations <= 10 * plain, f'expected at most 10 times the operations, got {operations / plain:.1f}'

@test_case(points=10, hidden=False)
def test_more_than_linear(MyGDUnit):
    from dmdlite.checks.beyond_linear import require_more_than_linear
    require_more_than_linear(MyGDUnit)

