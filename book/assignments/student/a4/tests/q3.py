from otter.test_files import test_case

OK_FORMAT = False

name = "q3"
points = 20

@test_case(points=8, hidden=False)
def test_four_modalities(with_physiology, train_dmd):
    import dmdlite
    import torch
    splits = with_physiology(dmdlite.load_dataset('toy'))
    before = {name: id(dataset) for name, dataset in splits.items()}
    model = train_dmd(splits, clips=60, epochs=1)
    after = {name: id(dataset) for name, dataset in splits.items()}
    assert after == before, 'train_dmd changed `splits`: make a dictionary of your own'
    dmdlite.seed_everything(0)
    untrained = dmdlite.DMD(model.config)
    same = zip(model.parameters(), untrained.parameters())
    assert any((not torch.equal(a, b) for a, b in same)), "the model's weights are those of an untrained one"
    assert model.config.modalities[-1] == 'physiology', f'modalities {model.config.modalities}'
    out = model(splits['test'].batch(range(5)))
    shape = tuple(out.homo.weights.shape)
    assert shape == (5, 4, 4), f"HomoGD's weights: expected shape (5, 4, 4), got {shape}"

