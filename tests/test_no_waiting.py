"""No step makes the CPU wait for a GPU's numbers.

PyTorch's `meta` device has shapes and no numbers: what asks a tensor for a value, or mixes devices,
fails on it. What PyTorch spares that device, and asks of a card, is looked for elsewhere. (On a
card, benchmarks/gpu.py asks CUDA itself to object to every wait: it found those two.)
"""

import ast
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.autograd.profiler import profile

import dmdlite
from dmdlite.data.alignment import aligned
from dmdlite.data.scaling import Scaler, column_statistics
from dmdlite.registry import ALL
from tests.test_baselines import made


@pytest.fixture(scope="module", params=["unaligned", "aligned"])
def clips(toy, request):
    """Some lack a modality."""
    everyone = toy["train"]
    lengths = everyone.lengths("vision").clone()
    lengths[:3] = 0
    offsets = torch.nn.functional.pad(lengths.cumsum(0), (1, 0))
    values = everyone.values["vision"][everyone.offsets["vision"][3] :]
    few = replace(
        everyone,
        values=everyone.values | {"vision": values},
        offsets=everyone.offsets | {"vision": offsets},
    ).subset(range(12))
    assert not few.present.all()
    return few if request.param == "unaligned" else aligned(few)


@pytest.fixture
def meta():
    return torch.device("meta")


@pytest.mark.parametrize("name", [name.lower() for name in ALL])
def test_no_gradient_asks_for_a_number(clips, name):
    """As torch.prod's does for zeros, on every device but `meta`."""
    model = made(clips, name)
    batch = clips.batch(range(8))
    total = model.train()(batch).losses(batch)["total"]
    with profile() as seen:
        total.backward()
    assert not {"aten::item", "aten::nonzero", "aten::equal"} & {e.key for e in seen.key_averages()}


def test_no_number_is_written_through_indices():
    """`x[rows, steps] = True` copies its number to a card and waits for it."""
    folder = Path(dmdlite.__file__).parent
    read = [folder / f"data/{name}.py" for name in ("batch", "dataset", "masks", "alignment")]
    method = ("attention", "encoders", "gd_unit", "losses", "model", "training")
    read += [*(folder / f"{name}.py" for name in method), *folder.glob("baselines/*.py")]
    found = [
        f"{path.name}:{node.lineno}"
        for path in read
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and any(isinstance(t, ast.Subscript) and _by_tensors(t) for t in node.targets)
    ]
    assert found == []


def _by_tensors(target: ast.Subscript) -> bool:
    """x[a] or x[a, b] with a name or call in it: neither slices and numbers alone, nor a key."""
    parts = target.slice.elts if isinstance(target.slice, ast.Tuple) else [target.slice]
    return any(isinstance(p, ast.Name | ast.Call | ast.UnaryOp) for p in parts)


@pytest.mark.parametrize("name", [name.lower() for name in ALL])
def test_a_training_step(clips, meta, name):
    model = made(clips, name)
    model.scaler = Scaler(column_statistics(clips), applied=True)
    model.train().to(meta)
    batch = clips.to(meta).batch(range(8))
    losses = model(batch).losses(batch)
    losses["total"].backward()
    assert all(value.device == meta for value in losses.values())
    assert all(p.grad is None or p.grad.device == meta for p in model.parameters())


def test_a_batch_has_the_shapes_it_has_elsewhere(clips, meta):
    there, here = clips.to(meta).batch([3, 1, 4]), clips.batch([3, 1, 4])
    assert {m: x.shape for m, x in there.features.items()} == {
        m: x.shape for m, x in here.features.items()
    }
    assert there.real_steps().equal(here.real_steps())
    moved = here.to(meta)
    assert moved.real_steps().equal(here.real_steps())


def test_masks_written_by_hand_are_counted_again(clips):
    batch = clips.batch(range(4))
    before = batch.real_steps()
    batch.masks["language"][:, 1:] = False
    expected = before.clone()
    expected[:, 0] = batch.masks["language"].sum(1)
    assert not expected.equal(before)
    assert batch.real_steps().equal(expected)
    assert batch.to("cpu").real_steps().equal(expected)
    with torch.inference_mode():
        made_there = clips.batch(range(4))
        made_there.masks["language"][:, 1:] = False
        assert made_there.real_steps().equal(expected)


def test_a_clip_that_loses_its_words_by_hand_is_read_by_its_next_modality(toy):
    """Its axis is longer than the one that the data set counted."""
    clips = toy["train"]
    model = made(clips, "ef-lstm")
    index = clips.present.all(1).nonzero().squeeze(1)[:4]
    batch = clips.batch(index)
    batch.masks["language"][:] = False
    by_hand = dmdlite.Batch(batch.features, batch.masks, batch.labels)
    assert model(batch).prediction.equal(model(by_hand).prediction)
    model.scaler = Scaler(column_statistics(clips), applied=True)  # makes a batch of its own
    assert model(batch).prediction.equal(model(by_hand).prediction)
    other = clips.batch(index)
    other.masks["language"] = other.masks["language"].clone() & False  # another tensor
    assert model(other).prediction.equal(model(by_hand).prediction)
