"""Ragged data sets, batches, padding detection, and the on-disk format."""

import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

import dmdlite
from dmdlite import DataError, MultimodalDataset
from dmdlite.data import concatenate
from dmdlite.data.scaling import standardize, time_pooled


def by_hand(**changes):
    """Two samples: `a` of 2 and 0 steps, `b` of 1 and 3 steps."""
    parts = {
        "values": {
            "a": torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]),
            "b": torch.arange(3.0)[:, None],
        },
        "offsets": {"a": torch.tensor([0, 2, 3]), "b": torch.tensor([0, 0, 3])},
        "labels": torch.tensor([1.0, -1.0]),
        "ids": ("x", "y"),
    }
    return MultimodalDataset(**parts | changes)


def test_batch_by_hand():
    batch = by_hand().batch([1, 0])
    assert batch.features["a"].tolist() == [[[5, 6], [0, 0]], [[1, 2], [3, 4]]]
    assert batch.masks["a"].tolist() == [[True, False], [True, True]]
    assert batch.features["b"].tolist() == [[[0], [1], [2]], [[0], [0], [0]]]
    assert batch.present.tolist() == [[True, True], [True, False]]
    assert batch.labels.tolist() == [-1, 1]


def test_batch_keeps_gaps_of_a_common_time_grid():
    steps = {"a": torch.tensor([0, 3, 1]), "b": torch.tensor([0, 1, 2])}
    batch = by_hand(steps=steps).batch([0, 1])
    assert batch.masks["a"].tolist() == [[True, False, False, True], [False, True, False, False]]
    assert batch.features["a"][0, 3].tolist() == [3, 4]


def test_batch_without_any_step_is_legal():
    batch = by_hand().batch([0])
    assert batch.features["b"].shape == (1, 1, 1)
    assert not batch.masks["b"].any()


@given(order=st.lists(st.integers(0, 63), min_size=1, max_size=20))
def test_batch_equals_a_loop(toy, order):
    data = toy["train"]
    batch = data.batch(order)
    for m, values in data.values.items():
        for row, i in enumerate(order):
            expected = values[data.offsets[m][i] : data.offsets[m][i + 1]]
            assert torch.equal(batch.features[m][row][batch.masks[m][row]], expected)
            assert (batch.features[m][row][~batch.masks[m][row]] == 0).all()
        assert batch.features[m].shape[1] == max(1, int(data.lengths(m)[order].max()))


def test_subset_select_concatenate(toy):
    data = toy["train"]
    again = concatenate([data.subset(range(40)), data.subset(range(40, 64))])
    assert again.ids == data.ids
    assert all(torch.equal(again.values[m], data.values[m]) for m in data.modalities)
    assert torch.equal(again.factors["common"], data.factors["common"])
    assert data.select("audio", "language").modalities == ("audio", "language")
    with pytest.raises(DataError, match="no modality 'smell'"):
        data.select("smell")
    with pytest.raises(DataError, match="differ in modalities"):
        concatenate([data, data.select("audio", "vision")])


def test_time_pooling_by_hand():
    assert time_pooled(by_hand()).tolist() == [[2, 3, 0], [5, 6, 1]]


def test_standardize_looks_at_train_alone(toy):
    scaled, test = standardize(toy["train"], toy["test"])
    for m, values in scaled.values.items():
        torch.testing.assert_close(values.mean(0), torch.zeros(values.shape[1]), atol=1e-5, rtol=0)
        expected = (toy["test"].values[m] - toy["train"].values[m].mean(0)) / toy["train"].values[
            m
        ].std(0, correction=0)
        torch.testing.assert_close(test.values[m], expected)
    constant = by_hand(values={"a": torch.ones(3, 2), "b": torch.ones(3, 1)})
    assert (standardize(constant)[0].values["a"] == 0).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ids": ("x",)}, "1 ids for 2 labels"),
        ({"labels": torch.tensor([1.0, float("inf")])}, "labels hold inf, first for"),
        ({"offsets": {"a": torch.tensor([0, 2, 3])}}, "offsets for"),
        (
            {"offsets": {"a": torch.tensor([0, 2, 1]), "b": torch.tensor([0, 0, 3])}},
            "a.offsets must be 3 numbers that rise from 0",
        ),
        (
            {"offsets": {"a": torch.tensor([0, 2, 9]), "b": torch.tensor([0, 0, 3])}},
            "a.offsets end at 9, but a.values has 3 steps",
        ),
        (
            {"values": {"a": torch.ones(3), "b": torch.ones(3, 1)}},
            r"with 2 axes, got float32 of shape \[3\]",
        ),
        (
            {"values": {"a": torch.full((3, 2), torch.inf), "b": torch.ones(3, 1)}},
            "a.values holds 6 NaN or inf",
        ),
        ({"steps": {"a": torch.tensor([0])}}, "a.steps must be 3 time indices"),
    ],
)
def test_parts_that_do_not_fit(changes, message):
    with pytest.raises(DataError, match=message):
        by_hand(**changes)


def test_texts_follow_their_clips(tmp_path):
    data = by_hand(texts=("hello", "bücher"))
    assert data.subset([1]).texts == ("bücher",)
    assert concatenate([data.subset([1]), data.subset([0])]).texts == ("bücher", "hello")
    assert concatenate([data, by_hand(ids=("p", "q"))]).texts == ()  # some have none
    dmdlite.save_dataset(tmp_path / "d", {"test": data}, source="test")
    assert dmdlite.load_dataset(tmp_path / "d")["test"].texts == data.texts
    with pytest.raises(DataError, match="1 texts for 2 labels"):
        by_hand(texts=("hello",))
    with pytest.raises(DataError, match="texts must be text, got 3"):
        by_hand(texts=("hello", 3))


def test_a_large_data_set_is_checked_batch_by_batch(toy, tmp_path, monkeypatch):
    """Not when it is loaded: reading all of it would take longer than the first batches."""
    folder = tmp_path / "d"
    dmdlite.save_dataset(folder, {"test": toy["test"]}, source="toy")
    edit_split(folder, lambda t: t["audio.values"][-1].fill_(torch.nan))
    for module in ("dataset", "validation"):
        monkeypatch.setattr(f"dmdlite.data.{module}.CHECKED_BYTES", 0)
    data = dmdlite.load_dataset(folder)["test"]
    last = int((data.lengths("audio") > 0).nonzero()[-1])
    data.batch(range(last))
    with pytest.raises(DataError, match=r"toy: audio\.values holds 8 NaN or inf"):
        data.batch([last])


def test_folder_round_trip(toy, toy_folder):
    loaded = dmdlite.load_dataset(toy_folder)
    assert list(loaded) == ["train", "valid", "test"]
    for split, data in toy.items():
        assert loaded[split].ids == data.ids
        for part in ("values", "offsets", "factors"):
            for k, t in getattr(data, part).items():
                assert torch.equal(getattr(loaded[split], part)[k], t)


def test_dataset_by_name_under_data_home(toy_folder, monkeypatch):
    monkeypatch.setenv("DMDLITE_DATA", str(toy_folder.parent))
    assert len(dmdlite.load_dataset("small")["valid"]) == 32


def test_half_precision_on_disk(toy, tmp_path):
    data = toy["test"]
    half = MultimodalDataset(
        {m: v.half() for m, v in data.values.items()}, data.offsets, data.labels, data.ids
    )
    dmdlite.save_dataset(tmp_path / "half", {"test": half}, source="test")
    batch = dmdlite.load_dataset(tmp_path / "half")["test"].batch([0, 1])
    assert batch.features["language"].dtype == torch.float32


def test_failed_save_leaves_the_old_data_set(toy, tmp_path, monkeypatch):
    folder = tmp_path / "d"
    dmdlite.save_dataset(folder, {"test": toy["test"]}, source="old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dmdlite.data.storage.save_tensors", full)
    with pytest.raises(OSError, match="No space"):
        dmdlite.save_dataset(folder, {"test": toy["valid"]}, source="new")
    assert dmdlite.load_dataset(folder)["test"].ids == toy["test"].ids
    assert [p.name for p in tmp_path.iterdir()] == ["d"]


def edit_json(folder, **changes):
    path = folder / "dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def edit_split(folder, change):
    tensors = load_file(folder / "test.safetensors")
    change(tensors)
    save_file(tensors, folder / "test.safetensors")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: edit_json(f, format=99), 'dataset.json: expected "format": 1'),
        (lambda f: edit_json(f, modalities=None), "field 'modalities' is missing or not a dict"),
        (lambda f: edit_json(f, ids={}), "lists none of the splits"),
        (lambda f: (f / "dataset.json").write_text("{"), "dataset.json: not readable as JSON"),
        (lambda f: (f / "test.safetensors").unlink(), "test.safetensors: no such file"),
        (lambda f: (f / "test.safetensors").write_bytes(b"x" * 99), "not a readable safetensors"),
        (lambda f: edit_split(f, lambda t: t.pop("labels")), "test.safetensors: lacks labels"),
        (
            lambda f: edit_split(f, lambda t: t.pop("audio.offsets")),
            "test.safetensors: lacks audio.offsets",
        ),
        (
            lambda f: edit_split(f, lambda t: t.update({"audio.values": torch.zeros(3, 2)})),
            r"audio.values has shape \[3, 2\], dataset.json wants width 8",
        ),
        (
            lambda f: edit_split(f, lambda t: t["audio.values"].fill_(torch.nan)),
            "test.safetensors: small: audio.values holds .* NaN or inf",
        ),
    ],
)
def test_damaged_folders(toy, tmp_path, spoil, message):
    folder = tmp_path / "small"
    named = MultimodalDataset(
        toy["test"].values, toy["test"].offsets, toy["test"].labels, toy["test"].ids, "small"
    )
    dmdlite.save_dataset(folder, {"test": named}, source="toy")
    spoil(folder)
    with pytest.raises(DataError, match=message):
        dmdlite.load_dataset(folder)


@pytest.mark.parametrize("name", ["nowhere", "toy:x", "toyy"])
def test_unknown_names(name):
    with pytest.raises(DataError, match=name):
        dmdlite.load_dataset(name)
