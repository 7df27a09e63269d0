"""Draws of the data: other clips of the same kind, the same for every system."""

from collections import Counter
from dataclasses import replace

import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import dmdlite
from dmdlite import ConfigError, DataError
from dmdlite.experiments.runs import Run
from dmdlite.experiments.study import Study, drawn_again, resampled
from dmdlite.experiments.sweep import plan
from dmdlite.experiments.systems import SYSTEMS
from tests.test_reproduce import folder, reproduce  # noqa: F401

VIDEOS = ("a", "a", "b", "c", "c", "c", "d", "d")


def test_draws_of_the_toy_are_other_toys():
    again, other = drawn_again("toy", 0), drawn_again("toy:2", 3)
    assert again["train"].fingerprint() == dmdlite.load_dataset("toy")["train"].fingerprint()
    assert other["test"].fingerprint() == dmdlite.load_dataset("toy:5")["test"].fingerprint()


@pytest.mark.parametrize("draw", [0, 1])
def test_a_toy_without_a_number_is_refused_in_one_line(draw):
    with pytest.raises(DataError, match="write toy:SEED with a whole number"):
        drawn_again("toy:abc", draw)


@given(seed=st.integers(0, 200), known=st.booleans())
def test_a_bootstrap_draws_whole_videos_and_names_every_clip_once(toy, seed, known):
    data = toy["train"].subset(range(8))
    data = replace(data, groups=VIDEOS) if known else data
    again = resampled(data, seed)
    assert len(set(again.ids)) == len(again)
    places = [data.ids.index(name.partition(" (copy")[0]) for name in again.ids]
    assert again.labels.equal(data.labels[torch.tensor(places)])
    assert again.fingerprint() == resampled(data, seed).fingerprint()
    times = Counter(places)
    if known:
        assert again.groups == tuple(VIDEOS[i] for i in places)
        by_video = {v: {times[i] for i in range(8) if VIDEOS[i] == v} for v in set(VIDEOS)}
        assert all(len(counts) == 1 for counts in by_video.values())  # whole, each as often
        assert sum(counts.pop() for counts in by_video.values()) == 4
    else:
        assert len(again) == 8


def test_a_second_copy_has_a_name_that_no_converter_gives(toy):
    data = toy["train"].subset(range(8))
    ids = ("v3[9]", "v3[9]#2", *data.ids[2:])  # an id that occurs twice in a published file
    for seed in range(30):
        again = resampled(replace(data, ids=ids), seed)
        assert len(set(again.ids)) == len(again)


def test_over_draws_every_clip_comes_as_often(toy):
    data = toy["train"].subset(range(8))
    ids = [name.partition(" (copy")[0] for k in range(1, 301) for name in resampled(data, k).ids]
    counts = [Counter(ids)[name] for name in data.ids]
    assert min(counts) > 240
    assert max(counts) < 360


def test_a_system_of_a_draw_sees_what_its_rivals_see(toy_folder):
    study = Study(str(toy_folder), device="cpu")
    planned = plan(study, lambda _: [SYSTEMS["ridge"], SYSTEMS["FD"]], 3, draws=True)
    assert [(run.study.draw, run.seed) for run in planned] == [
        (k, k) for k in range(3) for _ in range(2)
    ]
    ids = [run.study.data_id for run in planned]
    assert ids[0] == ids[1] != ids[2] == ids[3] != ids[4]
    assert planned[0].config_hash == Run(study, SYSTEMS["ridge"], 0).config_hash  # as it is
    by_seed = plan(study, lambda _: [SYSTEMS["ridge"]], 3)
    assert {run.study.data_id for run in by_seed} == {ids[0]}
    with pytest.raises(ConfigError, match="draws: 1 or more"):
        plan(study, lambda _: [SYSTEMS["ridge"]], 0, draws=True)


def test_with_folds_the_shuffle_is_what_is_drawn(toy_folder):
    study = Study(str(toy_folder), folds=2, device="cpu")
    assert replace(study, draw=1).data_id == study.data_id


def test_reproduce_draws(reproduce, folder, toy_folder):  # noqa: F811
    code, out, err = reproduce("homogd", "--draws", 3)
    assert code == 0, err
    assert "3 draws" in out
    rows = pd.read_csv(folder.with_name(f"{toy_folder.name}-draws") / "homogd.csv")
    assert rows["draw"].tolist() == rows["seed"].tolist() == [0, 0, 1, 1, 2, 2]
    assert rows.groupby("draw")["floor_mae"].nunique().tolist() == [1, 1, 1]
    assert rows["floor_mae"].nunique() > 1  # the test clips are drawn again, too
    assert rows["config_hash"].nunique() == 6  # which names the data
    assert not folder.exists()
    code, out, _ = reproduce("homogd", "--draws", 3, "--list")
    assert "6 of   6 runs" in next(line for line in out.splitlines() if "homogd" in line)
