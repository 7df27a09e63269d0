"""What MMSA's, MulT's and MISA's pickles share: empty splits, names, and texts of any length."""

import json
from pathlib import Path

import from_mmsa
import from_mult
import numpy as np
import pytest
from dmdlite_data.pickled import Fields, known_name, listed, read_splits

from dmdlite import DataError
from tests.frugal import few_bytes
from tests.published_files import assert_same_steps, mmsa, mult, write_pickle

SMALL = {"text_dim": 6, "steps": 60}


def emptied(part):
    """A split of the same fields without a clip."""
    return {field: value[:0] for field, value in part.items()}


@pytest.mark.parametrize("empty", [emptied, lambda part: None, lambda part: {}, lambda part: []])
@pytest.mark.parametrize(("app", "make"), [(from_mmsa.app, mmsa), (from_mult.app, mult)])
def test_empty_splits_are_left_out_with_a_word(convert_pickle, app, make, empty):
    """MMSA-FET writes clips of one's own into test, and train and valid without any."""
    content = make(**SMALL) if make is mmsa else make()
    content |= {split: empty(content[split]) for split in ("train", "valid")}
    splits, _, err = convert_pickle(app, content)
    assert list(splits) == ["test"]
    assert_same_steps(splits, content)
    assert "x.pkl: no clips in train, valid, left out" in err


def test_files_without_any_clip_are_refused(convert_pickle):
    content = {split: emptied(part) for split, part in mmsa(**SMALL).items()}
    splits, _, err = convert_pickle(from_mmsa.app, content)
    assert splits is None
    assert "x.pkl: no clips in train, valid, test" in err


def test_a_field_without_clips_among_others_is_no_empty_split(convert_pickle):
    content = mmsa(**SMALL)
    content["valid"]["vision"] = content["valid"]["vision"][:0]
    splits, _, err = convert_pickle(from_mmsa.app, content)
    assert splits is None
    assert "valid" in err.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("vision", "audio", "sizes", "name"),
    [
        (20, 5, (1284, 229, 686), "mosi"),
        (47, 74, (1284, 229, 686), "mosi"),
        (35, 74, (16326, 1871, 4659), "mosei"),
        (709, 33, (1368, 456, 457), "sims"),
        (35, 74, (1284, 229, 686), "mine"),  # MOSI's raw features are as wide as MOSEI's
        (35, 74, (2717, 798, 938), "mine"),  # and so are IEMOCAP's
        (35, 74, (16265, 1869, 4643), "mosei"),  # a few clips more or less
        (20, 5, (1284, 229, 600), "mine"),
        (20, 6, (1284, 229, 686), "mine"),
    ],
)
def test_a_data_set_is_known_by_its_widths_and_its_clips(vision, audio, sizes, name):
    sizes = dict(zip(("train", "valid", "test"), sizes, strict=True))
    assert known_name(Path("mine.pkl"), vision, audio, sizes) == name
    few = {"test": sizes["test"] // 2}
    assert known_name(Path("mine.pkl"), vision, audio, few) == "mine"


# Lists


def test_one_long_text_among_many_takes_no_room_from_the_others(tmp_path):
    """numpy would give each of the 100,000 the 240 KB of the longest: 24 GB."""
    said = ["a word"] * 100_000
    said[7] = "x" * 60_000
    path = write_pickle(
        tmp_path / "x.pkl", {"train": {"raw_text": said, "id": [[t] for t in said]}}
    )
    with few_bytes():
        part = read_splits(path, "from_mmsa.py")["train"]
        assert part.words("raw_text", len(said))[6:8] == [["a word"], [said[7]]]
    with few_bytes():
        assert part.words("id", len(said))[7] == [said[7]]


def test_arrays_of_texts_take_no_more_room_than_their_own(tmp_path):
    said = [np.array(["a"])] * 20_000 + [np.array(["x" * 15_000])]
    path = write_pickle(tmp_path / "x.pkl", {"train": {"id": said}})
    with few_bytes():
        assert read_splits(path, "from_mmsa.py")["train"].words("id", len(said))[-1] == [
            "x" * 15_000
        ]


@pytest.mark.parametrize(
    ("items", "shape", "dtype"),
    [
        ([1, 2, 3], (3,), np.int64),
        ([[1.5], [2.5]], (2, 1), np.float64),
        ([[["a"], ["b"]]], (1, 2, 1), object),
        (["a", 1.5], (2,), object),
        ([b"a", b"bc"], (2,), object),
        ([], (0,), np.float64),
    ],
)
def test_lists_become_arrays(items, shape, dtype):
    x = listed("here", items, 99)
    assert (x.shape, x.dtype) == (shape, dtype)
    assert x.tolist() == items


@pytest.mark.parametrize("items", [[[1], [1, 2]], [{}], [None], [[[[1]]]], [1] * 100])
def test_lists_that_are_no_arrays(items):
    with pytest.raises(DataError, match="here"):
        listed("here", items, 99)


def test_text_labels_are_refused_as_before(tmp_path):
    path = write_pickle(tmp_path / "x.pkl", json.loads('{"train": {"labels": ["1.5", "good"]}}'))
    with pytest.raises(DataError, match="labels, expected numbers"):
        read_splits(path, "from_mmsa.py")["train"].column("labels", 2)
    assert isinstance(read_splits(path, "from_mmsa.py")["train"], Fields)


# Ids, lengths and names that say nothing


@pytest.mark.parametrize(("app", "make"), [(from_mmsa.app, mmsa), (from_mult.app, mult)])
def test_blank_ids_are_made_up_and_counted(convert_pickle, app, make):
    content = make(**SMALL) if make is mmsa else make()
    content["train"]["id"] = np.array([None, " ", "a", "a", "", "b", "c", "d"], dtype=object)
    splits, out, err = convert_pickle(app, content)
    assert splits, err
    made = [f"demo_train_0000{i}" for i in (0, 1, 4)]
    assert splits["train"].ids == (*made[:2], "a", "a#2", made[2], "b", "c", "d")
    assert "3 made up, the source has none" in out
    assert "1 that occurred before, numbered" in out
    assert_same_steps(splits, content)


def test_ids_stored_column_by_column_stay_with_their_clips(convert_pickle):
    content = mult()
    expected = convert_pickle(from_mult.app, content)[0]["train"].ids
    content["train"]["id"] = np.asfortranarray(content["train"]["id"])  # an array of objects
    assert convert_pickle(from_mult.app, content)[0]["train"].ids == expected


@pytest.mark.parametrize("length", [np.nan, np.inf, -1, 2.5])
def test_lengths_that_count_nothing_are_refused(convert_pickle, length):
    """Of a clip without a step, too: no step would contradict them."""
    content = mmsa(**SMALL)
    content["train"]["audio"][3] = 0
    content["train"]["audio_lengths"][3] = length
    splits, _, err = convert_pickle(from_mmsa.app, content)
    assert splits is None
    says = f"demo, train: audio: 1 lengths are no number of steps, first {length:g}"
    assert says in err.splitlines()[-1]


def test_clips_that_were_cut_are_counted(convert_pickle):
    content = mmsa(**SMALL)
    for part in content.values():
        part["audio"] = part["audio"][:, :20]
    longer = sum(n > 20 for n in content["train"]["audio_lengths"])
    splits, out, _ = convert_pickle(from_mmsa.app, content)
    assert_same_steps(splits, content)
    assert longer > 0
    assert f"{longer} clips with fewer steps than their length says" in out


def test_one_field_under_two_names_is_refused(convert_pickle):
    content = mmsa(**SMALL)
    content["test"][b"audio"] = content["test"]["audio"] + 1
    splits, _, err = convert_pickle(from_mmsa.app, content)
    assert splits is None
    assert "x.pkl, test: one field under two names" in err.splitlines()[-1]


def test_what_files_say_is_printed_without_signs_that_a_terminal_would_act_on(convert_pickle):
    content = mmsa(**SMALL)
    content["\x1b[2J\ud800"] = content["train"]
    for split in ("train", "test"):  # an example of what two splits share is printed
        content[split]["id"] = np.array(["\x1b[2J$_$1"] * len(content[split]["id"]))
    _, out, err = convert_pickle(from_mmsa.app, content)
    assert "x.pkl: not used, ?[2J?" in err
    assert "for example ?[2J" in err
    assert "\x1b" not in out + err
