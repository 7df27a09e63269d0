"""Labels lie in [-3, 3]: a few outside are cut and counted, another scale is refused."""

import from_arrays
import numpy as np
import pytest
import torch
from dmdlite_data.labels import within_limits

import dmdlite
from dmdlite import DataError, MultimodalDataset


def data(labels):
    n = len(labels)
    values = {m: torch.ones(n, 1) for m in ("a", "b")}
    offsets = {m: torch.arange(n + 1) for m in values}
    labels = torch.tensor(labels, dtype=torch.float32)
    return MultimodalDataset(values, offsets, labels, tuple(f"c{i}" for i in range(n)), "x")


@pytest.mark.parametrize(
    ("low", "high", "flags"),
    [
        (0, 100, "--label-shift 50 --label-scale 0.06"),
        (3, 97, "--label-shift 50 --label-scale 0.06"),
        (1, 5, "--label-shift 3 --label-scale 1.5"),  # stars
        (1, 7, "--label-shift 4 --label-scale 1"),
        (-10, 9, "--label-shift 0 --label-scale 0.3"),
        (20, 30, "--label-shift 25 --label-scale 0.6"),  # no usual scale: its own range
    ],
)
def test_another_scale_is_refused_with_the_flags_that_map_it(low, high, flags):
    with pytest.raises(DataError, match="outside") as refused:
        within_limits({"train": data(np.linspace(low, high, 40))}, {"train": {}})
    assert flags in str(refused.value)


def test_the_flags_map_the_scale(run_script, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    labels = np.linspace(0, 100, 40)
    np.savez("x.npz", labels=labels, a=rng.normal(size=(40, 3, 2)), b=rng.normal(size=(40, 3, 2)))
    args = ("x.npz", "--name", "x", "--shares", "60,20,20")
    code, _, err = run_script(from_arrays.app, *args)
    assert code == 2
    line = err.splitlines()[-1]
    assert "x: labels run from" in line
    assert not (tmp_path / "x").exists()
    code, _, _ = run_script(from_arrays.app, *args, *line.split("with ")[-1].split())
    assert code == 0
    found = dmdlite.load_dataset("x")
    by_id = {i: y for d in found.values() for i, y in zip(d.ids, d.labels.tolist(), strict=True)}
    expected = {f"x_{i:05d}": (y - 50) * 0.06 for i, y in enumerate(labels)}
    assert by_id == pytest.approx(expected, abs=1e-5)


def test_a_few_are_cut_and_counted():
    labels, repaired = np.linspace(-3, 3, 40), {"train": {}, "test": {}}
    labels[7] = 4.5
    splits = {"train": data(labels), "test": data([3.5, 0.0])}  # 2 of 42
    cut = within_limits(splits, repaired)
    assert cut["train"].labels.max() == cut["test"].labels.max() == 3
    assert repaired == {s: {"labels": {"clipped": 1}} for s in splits}
    labels[8] = -9
    with pytest.raises(DataError, match="in 3 of 42 clips"):
        within_limits({"train": data(labels), "test": splits["test"]}, repaired)


def test_no_label_stays_none():
    found = within_limits({"test": data([np.nan] * 3)}, repaired := {"test": {}})
    assert found["test"].labels.isnan().all()
    assert repaired == {"test": {}}
