from otter.test_files import test_case

OK_FORMAT = False

name = "q1"
points = 55

@test_case(points=8, hidden=False)
def test_contract(MyGDUnit):
    import torch
    from dmdlite.checks import require
    from dmdlite.checks.beyond_linear import require_more_than_linear
    require_more_than_linear(MyGDUnit)
    torch.manual_seed(0)
    unit, (a, b) = (MyGDUnit(6), torch.randn(2, 8, 3, 6))
    between = (unit(a).logits + unit(b).logits) / 2
    assert torch.allclose(unit((a + b) / 2).logits, between, atol=1e-05), 'f, self.logit, stays linear: half-way between two inputs, the logits are not half-way'
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

