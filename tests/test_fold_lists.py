"""Folds as the SDK and its users write them: read, never run."""

import json

import pytest
from dmdlite_data.fold_lists import read_folds

from dmdlite import DataError


def test_folds_of_the_sdk_are_parsed_and_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "std_folds.py"
    path.write_text("standard_train_fold=['a','b']\nstandard_valid_fold = ['c']\n")
    assert read_folds(str(path)) == {"a": "train", "b": "train", "c": "valid"}
    path.write_text("open('touched', 'w')\nstandard_train_fold = [open('touched', 'w')]\n")
    with pytest.raises(DataError, match="neither JSON nor lists"):
        read_folds(str(path))
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize(
    ("folds", "message"),
    [
        ({"train": ["a"], "test": ["a"]}, "a is in train and in test"),
        ({"train": "a"}, "no lists named train, valid or test"),
        ({"folds": []}, "no lists named train, valid or test"),
        ([], "no lists named"),
    ],
)
def test_folds_that_do_not_fit(tmp_path, folds, message):
    (tmp_path / "f.json").write_text(json.dumps(folds))
    with pytest.raises(DataError, match=message):
        read_folds(str(tmp_path / "f.json"))
    with pytest.raises(DataError, match=r"built in: \['mosi'\]"):
        read_folds("mosix")
