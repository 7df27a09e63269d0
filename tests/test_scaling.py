"""Columns scaled each by its own numbers, and a scale that travels with the model."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler

import dmdlite
from dmdlite import DataError, MultimodalDataset, TrainConfig
from dmdlite.data import scaling
from dmdlite.data.scaling import Scaler, column_statistics, needs_scaling, standardize
from tests.conftest import SMALL


def dataset(**values):
    """One step a clip, two modalities at least."""
    tensors = {m: torch.as_tensor(np.asarray(x), dtype=torch.float32) for m, x in values.items()}
    n = len(next(iter(tensors.values())))
    offsets = {m: torch.arange(n + 1) for m in tensors}
    ids = tuple(f"c{i}" for i in range(n))
    return MultimodalDataset(tensors, offsets, torch.zeros(n), ids)


def scaled_columns(x):
    return standardize(dataset(a=x))[0].values["a"].numpy()


@given(
    st.lists(
        st.tuples(st.floats(-6, 6), st.floats(-1e3, 1e3)), min_size=1, max_size=6
    ),  # log10 of the spread, mean in spreads
    st.integers(0, 10_000),
)
def test_every_column_as_scikit_learn_scales_it(columns, seed):
    spread = np.array([10.0**power for power, _ in columns])
    mean = np.array([m for _, m in columns]) * spread
    x = np.random.default_rng(seed).normal(size=(200, len(columns))) * spread + mean
    x = x.astype(np.float32)
    expected = StandardScaler().fit_transform(x.astype(np.float64))
    np.testing.assert_allclose(scaled_columns(x), expected, atol=2e-3)


def test_a_column_in_the_millions_does_not_silence_the_others():
    x = np.random.default_rng(0).normal(size=(300, 3)) * [1e7, 1e-3, 1.0]
    assert scaled_columns(x).std(0) == pytest.approx(np.ones(3), rel=1e-4)


@pytest.mark.parametrize("constant", [0.0, 0.1, -3e7, 1e-20, 255.0])
def test_constant_but_for_rounding_becomes_zero(constant):
    x = np.full((50, 2), constant, np.float32)
    x[::2, 1] = np.nextafter(x[::2, 1], np.float32(np.inf))  # one float32 up
    assert (scaled_columns(x) == 0).all()


def test_what_varies_by_more_than_rounding_is_no_constant():
    x = 1e6 + np.random.default_rng(0).normal(size=(500, 1))
    assert scaled_columns(x).std() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("wild", [1e6, -1e20, 3e38])
def test_a_single_wild_value_does_not_decide_the_scale(wild):
    x = np.random.default_rng(0).normal(size=(1000, 2))
    x[17, 1] = wild
    scaled = scaled_columns(x)
    others = np.delete(scaled, 17, axis=0)
    assert others.std(0) == pytest.approx([1, 1], abs=0.01)
    assert np.abs(scaled[17, 1]) < 60  # cut, not left to ruin a step of training


def test_a_column_that_is_mostly_zero_has_no_wild_values():
    x = np.zeros((1000, 1))
    x[::200] = 4.0
    expected = StandardScaler().fit_transform(x)
    np.testing.assert_allclose(scaled_columns(x), expected, atol=1e-5)


def test_rare_events_are_no_wild_values():
    rng = np.random.default_rng(0)
    x = np.zeros((20_000, 1))
    x[rng.choice(len(x), 241, replace=False), 0] = rng.exponential(size=241)  # 1.2 %
    found = scaled_columns(x)
    assert np.std(found) == pytest.approx(1, abs=1e-4)
    assert np.corrcoef(x[:, 0], found[:, 0])[0, 1] == pytest.approx(1)


def test_part_by_part_gives_the_same(monkeypatch):
    x = np.random.default_rng(0).normal(5, 3, size=(1000, 4))
    whole = scaled_columns(x)
    monkeypatch.setattr(scaling, "CELLS", 30)
    np.testing.assert_allclose(scaled_columns(x), whole, atol=1e-6)


def raw(toy):
    """The toy as microphones and cameras give it: columns of any size."""

    def moved(data):
        values = {m: v.clone() * 100 + 500 for m, v in data.values.items()}
        return MultimodalDataset(**{**fields(data), "values": values})

    return {split: moved(data) for split, data in toy.items()}


def fields(data):
    return {k: v for k, v in vars(data).items() if not k.startswith("_")}


def trained(splits, out=None, **settings):
    dmdlite.seed_everything(0)
    model = dmdlite.DMD.for_dataset(splits["train"], **SMALL)
    config = TrainConfig(epochs=2, progress=False, device="cpu", out=out, **settings)
    return model, dmdlite.fit(model, splits, config)


def test_what_needs_scaling(toy):
    def needed(x):
        data = dataset(a=x, b=np.random.default_rng(1).normal(size=(len(x), 2)))
        return needs_scaling(data, column_statistics(data))

    normal = np.random.default_rng(0).normal(size=(300, 2))
    wild = normal.copy()
    wild[3, 0] = 1e9
    assert needed(normal) == []
    assert needed(normal * [1, 0]) == []  # a constant column at 0 is harmless
    for x in (normal * 20, normal * 0.01, normal + 2, wild, normal * [1, 0] + [0, 255]):
        assert needed(x) == ["a"]
    assert needs_scaling(toy["train"], column_statistics(toy["train"])) == []


def test_the_toy_is_trained_on_as_it_is(toy):
    model, by_default = trained(toy)
    assert not model.scaler.applied
    assert by_default == trained(toy, standardize=False)[1]
    assert by_default != trained(toy, standardize=True)[1]


def test_a_model_carries_its_scale(toy, tmp_path):
    splits = raw(toy)
    model, history = trained(splits, out=str(tmp_path))
    assert model.scaler.applied
    _, by_hand = trained(dict(zip(splits, standardize(*splits.values()), strict=True)))
    for ours, expected in zip(history, by_hand, strict=True):
        assert ours["valid_mae"] == pytest.approx(expected["valid_mae"], rel=1e-3)
    loaded = dmdlite.load_model(tmp_path)
    assert torch.equal(
        dmdlite.predict(loaded, splits["test"]), dmdlite.predict(model, splits["test"])
    )
    with pytest.raises(DataError, match="is not on the scale that the model was trained on"):
        dmdlite.predict(loaded, toy["test"])
    with pytest.raises(DataError, match="is not on the scale"):
        dmdlite.evaluate(loaded, toy["test"])


def test_a_model_of_scaled_features_refuses_raw_ones(toy):
    model, _ = trained(toy)
    with pytest.raises(DataError, match=r"language is not on the scale .* --like"):
        dmdlite.predict(model, raw(toy)["test"])
    with pytest.raises(DataError, match="language is not on the scale"):
        trained(toy | {"test": raw(toy)["test"]})


def test_features_somewhat_off_get_a_warning(toy):
    model, _ = trained(toy)
    values = {m: v + 3 for m, v in toy["test"].values.items()}
    off = MultimodalDataset(**{**fields(toy["test"]), "values": values})
    with pytest.warns(UserWarning, match="typical column lies"):
        dmdlite.predict(model, off)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dmdlite.predict(model, toy["test"])


def test_the_model_scales_what_it_reads_and_padding_stays_zero(toy):
    splits = raw(toy)
    scaler = Scaler(column_statistics(splits["train"]), applied=True)
    batch = scaler(splits["test"].batch(range(8)))
    expected = standardize(splits["train"], splits["test"])[1].batch(range(8))
    for m, x in batch.features.items():
        torch.testing.assert_close(x, expected.features[m])
        assert (x[~batch.masks[m]] == 0).all()


def test_training_again_keeps_the_scale(toy):
    splits = raw(toy)
    model, _ = trained(splits)
    before = model.scaler.columns("audio").mean.clone()
    part = {s: d.subset(range(20)) for s, d in splits.items()}
    dmdlite.fit(model, part, TrainConfig(epochs=1, progress=False, device="cpu"))
    assert torch.equal(model.scaler.columns("audio").mean, before)


def test_large_features_are_named_where_scaling_is_off(toy):
    values = {m: v * 1e20 for m, v in toy["train"].values.items()}
    huge = MultimodalDataset(**{**fields(toy["train"]), "values": values})
    splits = {"train": huge, "valid": huge}
    with pytest.raises(FloatingPointError, match=r"features of language reach .*standardise them"):
        trained(splits, standardize=False)
    _, history = trained(splits)
    assert np.isfinite(history[-1]["valid_mae"])
