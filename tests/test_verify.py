"""verify.py finds each planted fault, and says so by its exit code."""

from dataclasses import replace

import pytest
import torch

from tests.planted import NOTHING_ON_RECORD, clips, splits


def test_nothing_planted(verified, tmp_path):
    code, found = verified(splits(), **NOTHING_ON_RECORD)
    assert code == 0
    assert [s for rows in found.values() for s, _ in rows if s != "ok"] == ["note"]  # no source
    assert found["splits"] == [("ok", "train 6, valid 6, test 6")]
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")


def constant(split, column):
    data = clips(split)
    data.values["b"][:, column] = 4.0
    return data


def half_missing():
    offsets = torch.tensor([0, 0, 0, 0, 4, 8, 12])
    data = clips("train")
    return replace(data, offsets={"a": data.offsets["a"], "b": offsets})


def padded(side):
    data = clips("valid")
    data.values["a"][0 if side == "left" else 1] = 0
    return data


def large():
    data = clips("train")
    data.values["a"][3, 1] = 1e6
    return data


def twice():
    data = clips("train")
    data.values["a"][2:4], data.values["b"][2:4] = data.values["a"][:2], data.values["b"][:2]
    return data


def leaking():
    data = clips("test")
    train = clips("train")
    for m in "ab":
        data.values[m][:2] = train.values[m][:2]
    return data


NO_VIDEO = tuple("uvwxyz")


def far():
    data = clips("train")
    return replace(data, steps={"a": torch.tensor([0, 10**9] * 6)})


def gap():
    data = clips("train")
    values = {m: torch.cat([v, v, v]) for m, v in data.values.items()}
    values["a"][1] = 0
    return replace(data, values=values, offsets={m: o * 3 for m, o in data.offsets.items()})


TEXTS = tuple(f"a rather long thing to say about film number {i}" for i in range(6))
PLANTED = [
    ({"train": far()}, "a", "FAIL", "a step lies at time 1000000000"),
    ({"train": gap()}, "a", "note", "1 all-zero steps inside clips"),
    (
        {"train": clips("train", texts=TEXTS), "test": clips("test", texts=TEXTS)},
        "same text",
        "note",
        "shared: 6 in test and train",
    ),
    (
        {
            "train": replace(
                clips("train"),
                offsets={"a": clips("a").offsets["a"], "b": torch.zeros(7, dtype=torch.int64)},
                values={"a": clips("train").values["a"], "b": torch.zeros(0, 3)},
            )
        },
        "b",
        "FAIL",
        "missing in 6 of 18 clips, all of train among them",
    ),
    (
        {"test": clips("test", ids=("train0$_$9", "u", *clips("test").ids[2:]))},
        "same video",
        "FAIL",
        "shared: 1 in test and train",  # though "u" names no video
    ),
    ({"test": clips("test", ids=clips("train").ids)}, "ids", "FAIL", "shared: 6 in test and train"),
    ({"test": leaking()}, "same clip", "FAIL", "shared: 1 in test and train"),
    ({"train": twice()}, "duplicates", "note", "1 in train"),
    (
        {"test": clips("test", ids=("train0$_$9", *clips("test").ids[1:]))},
        "same video",
        "FAIL",
        "shared: 1 in test and train, for example train0",
    ),
    ({"test": clips("test", ids=NO_VIDEO)}, "same video", "note", "ids name no video"),
    ({"valid": constant("valid", 1)}, "b", "note", "1 of 3 columns constant in valid: 1"),
    ({"train": constant("train", slice(0, 3))}, "b", "FAIL", "every column is constant in train"),
    ({"train": half_missing()}, "b", "note", "missing in 3 of 18 clips"),
    ({"valid": padded("left")}, "a", "FAIL", "1 all-zero steps on the left, 0 on the right"),
    ({"valid": padded("right")}, "a", "FAIL", "0 all-zero steps on the left, 1 on the right"),
    ({"train": large()}, "a", "note", "values reach 1e+06: standardise"),
    ({"test": clips("test", labels=torch.full((6,), 4.0))}, "labels", "FAIL", "6 outside [-3, 3]"),
    ({"test": clips("test", labels=torch.ones(6))}, "labels", "FAIL", "all the same"),
]


@pytest.mark.parametrize(("changed", "check", "status", "says"), PLANTED)
def test_planted_faults(verified, changed, check, status, says):
    code, found = verified(splits(**changed), **NOTHING_ON_RECORD)
    assert code == (status == "FAIL")
    assert any(s == status and says in text for s, text in found[check]), found[check]


def test_notes_count_when_strict(verified):
    assert verified(splits(train=twice()), **NOTHING_ON_RECORD)[0] == 0
    assert verified(splits(train=twice()), "--strict", **NOTHING_ON_RECORD)[0] == 1
