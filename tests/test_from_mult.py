"""MulT's pickles: padding on the left, Python 2; and the round trip of both kinds of pickle."""

import pickle
from functools import partial

import from_mmsa
import from_mult
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dmdlite
from tests.published_files import assert_same_steps, mmsa, mult, python2, write_pickle

SMALL = {"text_dim": 6, "steps": 60}


@pytest.fixture
def run(convert_pickle):
    return partial(convert_pickle, from_mult.app)


@pytest.mark.parametrize("data", ["mosi", "mosei"])
@pytest.mark.parametrize("aligned", [True, False])
def test_mult_left_padding(run, data, aligned):
    content = mult(data=data, aligned=aligned)
    splits, out, _ = run(content)
    assert_same_steps(splits, content)
    train = splits["train"]
    assert train.batch([0]).masks["language"][0, 0]  # the padding is gone
    assert "padded steps removed on the left" in out
    np.testing.assert_allclose(train.labels, content["train"]["labels"].ravel(), rtol=1e-6)
    assert train.ids[1] == "trainvid0$_$1.25_2.0"


def test_mult_written_by_python_2(run):
    content = mult(sizes=(3, 2, 2))
    assert_same_steps(run(python2(content))[0], content)


def test_mult_without_ids(run):
    content = mult()
    for part in content.values():
        del part["id"]
    splits, out, _ = run(content)
    assert splits["valid"].ids == ("demo_valid_00000", "demo_valid_00001", "demo_valid_00002")
    assert "8 made up, the source has none" in out


@settings(max_examples=10)
@given(
    seed=st.integers(0, 10**6),
    sizes=st.tuples(*[st.integers(1, 6)] * 3),
    aligned=st.booleans(),
    left=st.booleans(),
)
def test_round_trip(tmp_path_factory, seed, sizes, aligned, left):
    """Converted values equal the source to float precision, for every real step of either form."""
    folder = tmp_path_factory.mktemp("round")
    content = (
        mult(seed, sizes, aligned=aligned) if left else mmsa(seed, sizes, aligned=aligned, **SMALL)
    )
    convert = from_mult.from_mult if left else from_mmsa.from_mmsa
    convert(write_pickle(folder / "x.pkl", content), name="x", out=folder / "x")
    assert_same_steps(dmdlite.load_dataset(folder / "x"), content)


def test_without_labels_a_split_is_there_to_predict(run):
    content = mult()
    del content["test"]["labels"]
    splits, out, err = run(content)
    assert splits, err
    assert splits["test"].labels.isnan().all()
    assert splits["train"].labelled.all()
    assert "test: 4 samples, no labels: to predict only" in out


def test_the_default_name_is_the_files_unless_widths_and_clips_tell(run_script, tmp_path):
    def published(vision, audio, sizes):
        return {
            split: {
                "text": np.ones((n, 2, 3), np.float32),
                "vision": np.ones((n, 2, vision), np.float32),
                "audio": np.ones((n, 2, audio), np.float32),
                "labels": np.zeros((n, 1, 1)),
            }
            for split, n in zip(("train", "valid", "test"), sizes, strict=True)
        }

    write_pickle(tmp_path / "a.pkl", published(20, 5, (1284, 229, 686)))
    write_pickle(tmp_path / "raw.pkl", published(35, 74, (1284, 229, 686)))
    write_pickle(tmp_path / "b.pkl", mult(data="mosei"))
    for file in ("a", "raw", "b"):
        assert run_script(from_mult.app, tmp_path / f"{file}.pkl")[0] == 0
    names = sorted(path.name for path in tmp_path.iterdir() if path.is_dir())
    assert names == ["b_mult_unaligned", "mosi_mult_aligned", "raw_mult_aligned"]


def test_hostile_content_is_refused_by_the_command(run, tmp_path):
    class Runs:
        def __reduce__(self):
            return print, ("executed",)

    raw = pickle.dumps({"train": {"vision": Runs()}})
    _, out, err = run(raw)
    assert "x.pkl: refused: it asks for builtins.print" in err
    assert "executed" not in out
