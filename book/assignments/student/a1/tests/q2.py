from otter.test_files import test_case

OK_FORMAT = False

name = "q2"
points = 25

@test_case(points=5, hidden=False)
def test_properties(TopKGDUnit):
    import torch
    from dmdlite.checks import require
    torch.manual_seed(0)
    x = torch.randn(8, 5, 6)
    into = (TopKGDUnit(6, 5, k=2)(x).weights > 0).sum(1)
    assert into.tolist() == [[2] * 5] * 8, f'k = 2: expected 2 teachers a student, got {into.tolist()[:1]}; the properties count once this holds'
    require(TopKGDUnit, 'shape', 'finite', 'samples apart', 'zero diagonal', 'normalisation')

@test_case(points=3, hidden=False)
def test_number_of_teachers(TopKGDUnit):
    import torch
    torch.manual_seed(0)
    x = torch.randn(8, 5, 6)
    for k, training in ((1, True), (2, True), (3, True), (2, False)):
        into = (TopKGDUnit(6, 5, k=k).train(training)(x).weights > 0).sum(1)
        assert into.tolist() == [[k] * 5] * 8, f"k = {k}, {('in training' if training else 'after eval()')}: expected {k} teachers a student, got {into.tolist()[:1]}"
    nobody = torch.zeros(8, 5, dtype=torch.bool)
    weights = TopKGDUnit(6, 5, k=1)(x, nobody).weights
    assert (weights == 0).all(), 'a clip without modalities: expected weights of 0, got NaN or others'

@test_case(points=4, hidden=False)
def test_all_teachers_is_the_plain_unit(TopKGDUnit):
    import dmdlite
    import torch
    torch.manual_seed(0)
    plain, unit, one, x = (dmdlite.GDUnit(6, 4), TopKGDUnit(6, 4, k=3), TopKGDUnit(6, 4, k=1), torch.randn(8, 4, 6))
    for made in (unit, one):
        made.load_state_dict(plain.state_dict())
    expected, found = (plain(x).weights, unit(x).weights)
    assert torch.allclose(found, expected, atol=1e-06), 'k = 3 of four modalities is the plain unit'
    assert not torch.allclose(one(x).weights, expected, atol=0.001), 'k = 1 of four modalities is the plain unit, too'
    equal = TopKGDUnit(6, 4, k=3, scale=0.0)(x).weights
    assert torch.allclose(equal, (1 - torch.eye(4)) / 12, atol=1e-06), 'scale=0.0: expected equal weights, as from the plain unit, which gets **options'

