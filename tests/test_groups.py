"""Clips of one video or speaker are never on both sides of a split."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import KFold

import dmdlite
from dmdlite import ConfigError, DataError, MultimodalDataset
from dmdlite.data.groups import described, drawn, groups_of, videos_of
from dmdlite.experiments.study import Study, hold_out


@pytest.mark.parametrize(
    ("ids", "videos"),
    [
        (["abc$_$3", "abc$_$4"], ("abc", "abc")),  # MMSA
        (["abc$_$0.5_1.5#2", "x$_$1_2"], ("abc", "x")),  # MulT
        (["a_b[12]", "c[0]"], ("a_b", "c")),  # SDK, MISA
        (["_dI--eQ6qVU_12", "_dI--eQ6qVU_3", "9c67_1"], ("_dI--eQ6qVU", "_dI--eQ6qVU", "9c67")),
        (["spk0_clip0", "spk0_clip1", "spk1_clip0"], ("spk0", "spk0", "spk1")),
        (["a[1]", "u"], ("a", "u")),  # "u" is a group of its own
        (["toy_train_0001", "toy_train_0002", "toy_test_0001"], ()),
        (["c_1", "c_2", "c_3"], ()),  # one name for all
        (["a_1", "b_2", "c_3"], ()),  # brings none together
        (["a_1", "a_2", "b_1", "x"], ()),
        (["c0", "c1"], ()),
        ([], ()),
    ],
)
def test_the_video_that_an_id_names(ids, videos):
    assert videos_of(ids) == videos


@given(
    st.lists(st.integers(0, 12), min_size=1, max_size=60),
    st.lists(st.integers(1, 9), min_size=1, max_size=4),
    st.integers(0, 99),
)
def test_drawn_groups_stay_whole_and_shares_are_kept(groups, shares, seed):
    shares = np.array(shares) / sum(shares)
    part = drawn(list(map(str, groups)), shares, seed)
    for group in set(groups):
        assert len({p for p, g in zip(part, groups, strict=True) if g == group}) == 1
    largest = max(groups.count(g) for g in groups)
    for i, share in enumerate(np.cumsum(shares)):
        assert abs((part <= i).sum() - share * len(groups)) <= largest


def speakers(speakers=12, clips=5, missing=()):
    """A clip's features only tell who speaks, and the label is the speaker's habit."""
    rng = np.random.default_rng(0)
    who = np.repeat(np.arange(speakers), clips)
    habit = rng.uniform(-2.5, 2.5, speakers)
    steps = 4
    values = {
        m: torch.from_numpy(
            np.repeat(rng.normal(size=(speakers, width))[who], steps, axis=0)
            + rng.normal(size=(len(who) * steps, width)) * 0.1
        ).float()
        for m, width in (("voice", 12), ("face", 9))
    }
    offsets = {m: torch.arange(len(who) + 1) * steps for m in values}
    labels = torch.from_numpy(habit[who] + rng.normal(0, 0.2, len(who))).float().clamp(-3, 3)
    ids = tuple(f"video{s}[{k}]" for s, k in zip(who, list(range(clips)) * speakers, strict=True))
    data = MultimodalDataset(values, offsets, labels, ids, "speakers")
    return without_face(data, missing) if missing else data


def without_face(data, clips):
    """The same, with no step of `face` in some clips."""
    keep = torch.ones(len(data), dtype=torch.bool)
    keep[list(clips)] = False
    lengths = data.lengths("face") * keep
    rows = torch.repeat_interleave(keep, data.lengths("face"))
    zero = torch.zeros(1, dtype=torch.int64)
    return replace(
        data,
        values=data.values | {"face": data.values["face"][rows]},
        offsets=data.offsets | {"face": torch.cat([zero, lengths.cumsum(0)])},
    )


@pytest.fixture
def saved(tmp_path):
    def save(data):
        folder = tmp_path / "speakers"
        thirds = torch.arange(len(data)) % 3
        splits = {s: data.subset(thirds == i) for i, s in enumerate(("train", "valid", "test"))}
        dmdlite.save_dataset(folder, splits, source="test")
        return str(folder)

    return save


def who(data):
    return {i.partition("[")[0] for i in data.ids}


@pytest.mark.parametrize("incomplete", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_no_speaker_on_both_sides_of_a_fold(saved, seed, incomplete):
    data = speakers(missing=range(0, 60, 7)) if incomplete else speakers()
    study = Study(saved(data), folds=4, incomplete=incomplete)
    assert study.grouping == "by video (12)"
    tested = []
    for splits, _ in study.parts(seed):
        train, valid, test = (who(splits[s]) for s in ("train", "valid", "test"))
        assert train
        assert valid
        assert not train & valid
        assert not (train | valid) & test
        tested += splits["test"].ids
    complete = data.subset(data.present.all(1))
    assert sorted(tested) == sorted(complete.ids)


def test_a_fold_by_clip_measures_the_speaker(saved):
    """The defect that groups are for: known clips of a test speaker give the label away."""
    from dmdlite.experiments.crossval import planned
    from dmdlite.experiments.runs import carry_out

    def corr(data, tmp):
        run = planned(Study(saved(data), folds=4), "DMD", False, range(1))[1]
        carry_out(run, tmp)
        assert run.system.name == "ridge"
        return run.result(tmp)["corr"]

    import tempfile
    from pathlib import Path

    data = speakers()
    with tempfile.TemporaryDirectory() as tmp:
        by_video = corr(data, Path(tmp))
        by_clip = corr(replace(data, ids=tuple(f"c{i}" for i in range(len(data)))), Path(tmp))
    assert by_clip > 0.9
    assert by_video < 0.6


def test_folds_by_clip_are_what_they_were(saved):
    data = replace(speakers(), ids=tuple(f"c{i}" for i in range(60)))
    study = Study(saved(data), folds=5)
    assert study.grouping == "by clip: no groups known"
    expected = [outside for _, outside in KFold(5, shuffle=True, random_state=3).split(range(60))]
    for (_, outside), places in zip(study.parts(3), expected, strict=True):
        assert (outside.numpy() == places).all()


def test_groups_on_record_come_before_ids(saved):
    data = replace(speakers(), groups=tuple("abcd"[i % 4] for i in range(60)))
    assert groups_of(data.subset([0, 1, 4])) == ("a", "b", "a")
    study = Study(saved(data), folds=2)
    assert study.grouping == "by group (4)"
    for splits, _ in study.parts(0):
        assert len(set(splits["test"].groups)) == 2
    with pytest.raises(DataError, match="one group alone"):
        hold_out(data.subset(torch.arange(60) % 4 == 0), 0)
    with pytest.raises(ConfigError, match="from 2 to 4 for 4 videos or speakers"):
        Study(saved(data), folds=5).splits  # noqa: B018


def test_described():
    assert described((), False) == "by clip: no groups known"
    assert described(("a", "a", "b"), False) == "by video (2)"
    assert described(("a", "b"), True) == "by group (2)"
