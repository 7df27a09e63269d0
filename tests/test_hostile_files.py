"""Small files that would fill memory, take forever, or mix clips up; each found in a review."""

import json
import pickle
import struct

import from_mmsa
import numpy as np
import pytest

from tests.frugal import few_bytes, few_calls
from tests.published_files import mmsa
from tests.test_safe_pickle import array_header, op

SMALL = {"text_dim": 6, "steps": 60}


def in_train(**fields):
    """A pickle whose first split has these fields instead of its own."""
    content = mmsa(**SMALL)
    content["train"] |= fields
    return content


def doubled(depth, leaf):
    for _ in range(depth):
        leaf = [leaf, leaf]
    return leaf


def many_encodings():
    """Each REDUCE of five bytes makes the same 300 KB once more."""
    call = b"c_codecs\nencode\nh\x00\x8c\x06latin1\x86R"
    return op(
        b"X", struct.pack("<I", 300_000), b"x" * 300_000, b"q\x000]", b"(" + call * 5000, b"e"
    )


def objects(*items):
    """An object array, without numpy looking into the items."""
    x = np.empty(len(items), object)
    for i, item in enumerate(items):
        x[i] = item
    return x


BOMBS = {
    "labels nested by sharing": lambda: in_train(regression_labels=doubled(40, 1.0)),
    "features nested by sharing": lambda: in_train(vision=doubled(40, 1.0)),
    "one wide row many times": lambda: in_train(vision=[[1.0] * 20000] * 20000),
    "one array many times": lambda: in_train(audio=[np.ones((3000, 30))] * 60000),
    "ids nested by sharing": lambda: in_train(id=objects(*[doubled(30, "x")] * 8)),
    "objects within objects": lambda: in_train(id=objects(*[objects("a")] * 8)),
    "text that is a list": lambda: in_train(raw_text=objects(*[[1], [2, 3]] * 4)),
    "encodings": many_encodings,
    "a shape of many axes": lambda: array_header((1 << 62,) * 40),
    "a shape of huge numbers": lambda: array_header((1 << 4000, 1)),
    "arguments nested by sharing": lambda: op(
        "cnumpy\ndtype\n", b"0]q\x00" + b"(h\x00h\x00lq\x00" * 40, b"\x85R"
    ),
    "text of no width": lambda: array_header((1 << 40,), kind="U0"),
    "integers as keys": lambda: op(b"}K\x01Ns"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_before_they_go_off(convert_pickle, name):
    content = BOMBS[name]()
    raw = content if isinstance(content, bytes) else pickle.dumps(content, 4)
    with few_bytes(), few_calls():
        splits, _, err = convert_pickle(from_mmsa.app, raw)
    assert splits is None
    assert "Traceback" not in err


WRONG = {
    "more texts than clips": ({"text": np.ones((10, 50, 6))}, "language has 10 clips, labels 8"),
    "one row of text_bert": ({"text_bert": np.ones((1, 3, 50))}, "has shape (1, 3, 50)"),
    "text_bert of one axis": ({"text_bert": np.ones(8)}, "text_bert is float64 of shape (8,)"),
    "inf as a label": (
        {"regression_labels": np.full(8, np.inf)},
        "8 of 8 labels are NaN, inf or missing",
    ),
    "complex labels": ({"regression_labels": np.ones(8) * 1j}, "complex128, expected numbers"),
    "labels of 64 KB": ({"regression_labels": b"x" * 70_000}, "regression_labels is Span"),
    "a transcript of 64 KB": (
        {"raw_text": [b"x" * 70_000] * 8},
        "expected numbers, text or arrays, found Span",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_would_mix_clips_up_is_refused(convert_pickle, name):
    fields, message = WRONG[name]
    splits, _, err = convert_pickle(from_mmsa.app, in_train(**fields))
    assert splits is None
    assert message in err.strip().splitlines()[-1]


def test_splits_that_are_none(convert_pickle):
    both = {**mmsa(**SMALL), "dev": mmsa(**SMALL)["valid"]}
    assert "one split under two names" in convert_pickle(from_mmsa.app, both)[2]
    empty = mmsa(sizes=(3, 0, 2), **SMALL)
    assert "no clips in valid, left out" in convert_pickle(from_mmsa.app, empty)[2]


def test_unaligned_files_without_language_stay_unaligned(run_script, tmp_path):
    for change in ("keep", "drop"):
        content = mmsa(**SMALL)
        if change == "drop":
            for part in content.values():
                del part["text"]
        (tmp_path / "x.pkl").write_bytes(pickle.dumps(content))
        assert (
            run_script(from_mmsa.app, tmp_path / "x.pkl", "--name", change, "--without-language")[0]
            == 0
        )
        about = json.loads((tmp_path / change / "dataset.json").read_text())
        assert about["aligned"] is False


def test_steps_too_small_for_float16_are_named(convert_pickle):
    content = in_train(vision=np.full((8, 60, 35), 1e-9), vision_lengths=[60] * 8)
    splits, _, err = convert_pickle(from_mmsa.app, content, "--dtype", "float16")
    assert splits is None
    assert "steps too small for torch.float16" in err


def test_an_error_prints_no_control_characters(convert_pickle):
    _, _, err = convert_pickle(from_mmsa.app, op("cos\n", "\x1b[2Jsystem\n"))
    assert "\x1b" not in err
    assert "os.?[2Jsystem" in err
