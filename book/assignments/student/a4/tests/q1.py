from otter.test_files import test_case

OK_FORMAT = False

name = "q1"
points = 30

@test_case(points=6, hidden=False)
def test_form(with_physiology):
    import dmdlite
    splits = dmdlite.load_dataset('toy')
    four = with_physiology(splits)
    for name, dataset in four.items():
        assert dataset.modalities[-1] == 'physiology', f'{name}: modalities {dataset.modalities}'
        assert dataset.widths[-1] == 4, f'{name}: expected width 4, got {dataset.widths[-1]}'
        shape = tuple(dataset.factors['private_physiology'].shape)
        assert shape == (len(dataset), 3), f'{name}: private_physiology: expected shape {(len(dataset), 3)}, got {shape}'
        steps = dataset.lengths('physiology')
        here = steps > 0
        expected = 4 + here.nonzero().flatten() % 5
        assert (steps[here] == expected).all(), f'{name}: clip i should have 4 + i % 5 steps'

@test_case(points=6, hidden=False)
def test_strength(with_physiology):
    import dmdlite
    from dmdlite.baselines.simple import ridge
    from dmdlite.metrics import sentiment_metrics
    four = with_physiology(dmdlite.load_dataset('toy'))
    steps = four['test'].lengths('physiology')
    here = (steps > 0).nonzero().flatten()
    assert (steps[here] == 4 + here % 5).all(), 'counts once clip i has 4 + i % 5 steps'
    train, test = (four[k].select('physiology') for k in ('train', 'test'))
    corr = sentiment_metrics(ridge(train, test), test.labels)['corr']
    assert 0.2 < (corr or 0) < 0.7, f'correlation of ridge on physiology: expected 0.2 to 0.7, got {corr}'

