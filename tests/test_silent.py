"""Inputs that once gave a number without a word: the number is right now, or it is refused."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

import dmdlite
from dmdlite import DataError, cli
from dmdlite.commands.running import check_features, remember_features
from dmdlite.experiments.predict import HEADER
from dmdlite.experiments.runs import Run, carry_out
from dmdlite.experiments.search import BUDGET
from dmdlite.experiments.study import Study, hold_out
from dmdlite.experiments.systems import SYSTEMS
from dmdlite.experiments.writing import check_settings, settings_of
from dmdlite.files import ours, write_json
from tests.test_groups import speakers, without_face
from tests.test_scaling import scaled_columns
from tests.test_training import train


def hosted(host, guests=6, clips=12):
    """One person with `host` clips, and guests."""
    data = speakers(guests + 1, clips=max(host, clips))
    own = [i for i, name in enumerate(data.ids) if name.startswith("video0[")][:host]
    rest = [
        i
        for i, name in enumerate(data.ids)
        if not name.startswith("video0[") and int(name.partition("[")[2][:-1]) < clips
    ]
    data = data.subset(own + rest)
    return replace(data, groups=tuple(name.partition("[")[0] for name in data.ids))


@pytest.mark.parametrize("seed", range(8))
def test_a_host_with_most_clips_is_trained_on(seed):
    parts = hold_out(hosted(host=108), seed)  # of 180
    assert "video0" in parts["train"].groups
    assert 0 < len(parts["valid"]) <= 36
    assert not set(parts["train"].groups) & set(parts["valid"].groups)


def test_the_floor_of_folds_is_scored_at_once_as_the_models_are(tmp_path):
    data = hosted(host=30, guests=5)
    splits = {s: data.subset(torch.arange(len(data)) % 3 == i) for i, s in enumerate("abc")}
    named = dict(zip(("train", "valid", "test"), splits.values(), strict=True))
    dmdlite.save_dataset(tmp_path / "hosted", named, source="test")
    run = Run(Study(str(tmp_path / "hosted"), folds=3), SYSTEMS["ridge"], 0)
    carry_out(run, tmp_path / "runs")
    errors, right, sizes = [], [], []
    for parts, outside in run.study.parts(0):
        labels = parts["test"].labels.numpy()
        errors += list(np.abs(labels - np.median(parts["train"].labels.numpy())))
        known = np.sign(parts["train"].labels.numpy())
        more = 1 if (known > 0).sum() > (known < 0).sum() else -1
        right += list(np.sign(labels[labels != 0]) == more)
        sizes.append(len(outside))
    assert len(set(sizes)) > 1
    row = run.result(tmp_path / "runs")
    assert row["floor_mae"] == pytest.approx(np.mean(errors), abs=1e-6)
    assert row["floor_acc2"] == pytest.approx(np.mean(right), abs=1e-6)


@pytest.mark.parametrize("factor", [0.3, 3.0])
def test_features_on_a_scale_of_their_own_are_told(toy, factor):
    model, _ = train(toy)
    test = toy["test"]
    off = replace(test, values={m: factor * v for m, v in test.values.items()})
    with pytest.warns(UserWarning, match="is not on the scale"):
        dmdlite.evaluate(model, off)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dmdlite.evaluate(model, test)


def test_a_modality_without_a_step_in_train_is_trained_without(toy):
    silent = {
        k: replace(
            d,
            values=d.values | {"audio": d.values["audio"][:0]},
            offsets=d.offsets | {"audio": torch.zeros_like(d.offsets["audio"])},
        )
        for k, d in toy.items()
    }
    _, history = train(silent, epochs=1)
    assert np.isfinite(history[0]["valid_mae"])


def test_labels_that_are_no_sentiments_are_refused(toy):
    stars = {k: replace(d, labels=(d.labels + 3) * 5 / 6) for k, d in toy.items()}
    with pytest.raises(DataError, match=r"label \d\S* of toy_\w+; sentiment lies from -3 to 3"):
        train(stars)
    model, _ = train(toy, epochs=1)
    with pytest.raises(DataError, match="sentiment lies from -3 to 3"):
        dmdlite.evaluate(model, stars["test"])


def test_how_features_were_made_is_forgotten_with_the_model(tmp_path, monkeypatch):
    made = {"withA": {"language": {"weights": "A", "level": "word", "layer": 1}}, "plain": {}}
    monkeypatch.setattr("dmdlite.commands.running.manifest_of", made.get)
    remember_features(tmp_path, "withA")
    with pytest.raises(DataError, match="its language is not made like"):
        check_features(tmp_path, "plain")
    remember_features(tmp_path, "plain")  # another model now
    check_features(tmp_path, "plain")


def test_a_toy_without_clips_is_refused_in_one_line(run_script):
    code, _, err = run_script(cli.app, "data", "info", "toy:train=30,valid=10,test=0")
    assert code == 2
    assert "every split has a clip or more, got (30, 10, 0)" in err


def test_a_table_of_other_settings_is_not_replaced(tmp_path):
    plain = Study("toy")
    short = replace(plain, training=(("epochs", 3),))
    check_settings(tmp_path, ["table1"], settings_of(short, BUDGET))
    write_json(tmp_path / "table1.json", {"experiment": "table1"})
    (tmp_path / "table1.csv").touch()
    check_settings(tmp_path, ["table1"], settings_of(plain, BUDGET))
    recipes = replace(plain, training=(("epochs", 30),))  # no other than the recipe's
    check_settings(tmp_path, ["table1"], settings_of(recipes, BUDGET))
    for other in (short, replace(plain, standardized=True)):
        with pytest.raises(DataError, match=r"table1.csv: made with other settings \(none\)"):
            check_settings(tmp_path, ["table1"], settings_of(other, BUDGET))
    with pytest.raises(DataError, match="other settings"):
        check_settings(tmp_path, ["table1"], settings_of(plain, 1))
    write_json(tmp_path / "table1.json", {"settings": {"epochs": 3}})
    check_settings(tmp_path, ["table1"], settings_of(short, BUDGET))


def test_a_curve_of_other_settings_is_not_replaced(tmp_path, run_script):
    curves = tmp_path / "out" / "map"
    curves.mkdir(parents=True)
    (curves / "label_noise.csv").write_text("of hours\n")
    options = ("reproduce", "label noise", "--draws", 2, "--out", tmp_path / "out")
    code, _, err = run_script(cli.app, *options, "--set", "gd_hidden=4")
    assert code == 2
    assert "label_noise.csv: made with other settings (none)" in err
    assert (curves / "label_noise.csv").read_text() == "of hours\n"
    write_json(curves / "label_noise.json", {"settings": {"gd_hidden": 4}})
    assert "made with other settings ({'gd_hidden': 4})" in run_script(cli.app, *options)[2]


def test_a_column_that_somebody_added_is_not_lost(toy_folder, tmp_path, run_script):
    model, _ = train(dmdlite.load_dataset(toy_folder), epochs=1)
    model.save_pretrained(tmp_path / "run")
    asked = (cli.app, "predict", tmp_path / "run", "--data", toy_folder)
    asked += ("--out", tmp_path / "said.csv")
    for _ in range(2):  # what the command wrote it may write anew
        assert run_script(*asked)[0] == 0
    pd.read_csv(tmp_path / "said.csv").assign(comment="mine").to_csv(tmp_path / "said.csv")
    code, _, err = run_script(*asked)
    assert code == 2
    assert "holds something else" in err
    assert "mine" in (tmp_path / "said.csv").read_text()


def test_guests_alone_are_complete_and_the_host_may_be_kept_aside():
    data = hosted(host=60, guests=3)
    gone = [i for i, group in enumerate(data.groups) if group != "video0"]
    parts = hold_out(without_face(data, gone), 0)
    assert set(parts["valid"].groups) == {"video0"}
    assert len(parts["train"])


def test_one_large_value_among_rare_events_does_not_silence_them():
    rng = np.random.default_rng(0)
    x = np.zeros(20_000)
    events = rng.choice(len(x), 1600, replace=False)
    x[events] = rng.normal(size=1600)
    x[events[0]] = 1e6
    found = scaled_columns(x[:, None])[events[1:], 0]
    assert found.std() > 1


def test_tables_of_other_models_are_written_anew(tmp_path):
    kept = tmp_path / "said.csv"
    for line in ("id,label,prediction", "id,label,prediction,homo_a,homo_a_to_b,hetero_b"):
        for end in ("\n", "\r\n"):
            kept.write_bytes(f"{line}{end}x,1,2{end}".encode())
            ours(kept, HEADER)
    kept.write_text("id,label,prediction,homo_a,comment\nx,1,2,3,mine\n")
    with pytest.raises(DataError, match="holds something else"):
        ours(kept, HEADER)
