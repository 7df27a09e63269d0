"""Numbers of one run: gaps and probes by loops, simple models by hand, incomplete samples."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import KFold

import dmdlite
from dmdlite.baselines.simple import ridge
from dmdlite.data import concatenate
from dmdlite.data.scaling import standardize
from dmdlite.experiments.measures import measured, probed, scores
from dmdlite.experiments.runs import OUTPUTS, Run, carry_out
from dmdlite.experiments.study import Study
from dmdlite.experiments.systems import SYSTEMS, System
from tests.conftest import SMALL

QUICK = {"model": tuple(SMALL.items()), "training": (("epochs", 1), ("batch_size", 16))}


def test_the_gap_of_a_unit_by_loops(toy, model):
    outputs = measured(model, toy["test"])
    row = scores(outputs, toy["test"].modalities)
    for unit in ("homo", "hetero"):
        gaps = [
            abs(float(z[i] - z[j]))
            for z, there in zip(outputs[f"{unit}_logits"], outputs["present"], strict=True)
            if there.all()
            for i in range(3)
            for j in range(3)
            if i != j
        ]
        assert row[f"{unit}_gap"] == pytest.approx(np.mean(gaps), rel=1e-5)


def test_a_probe_never_sees_what_it_is_scored_on():
    """Codes of noise, wider than there are samples: in sample they would explain every label."""
    generator = torch.Generator().manual_seed(0)
    codes = torch.randn(60, 100, generator=generator)
    labels = torch.randn(60, generator=generator)
    assert probed(codes, labels) < 0.75
    prediction = np.zeros(60)
    for inside, outside in KFold(5, shuffle=True, random_state=0).split(codes):
        probe = RidgeCV(np.logspace(-3, 4, 15)).fit(codes[inside], labels[inside])
        prediction[outside] = probe.predict(codes[outside])
    expected = np.mean((prediction > 0) == (labels.numpy() > 0))
    assert probed(codes, labels) == pytest.approx(expected)
    assert probed(labels[:, None], labels) > 0.9
    assert np.isnan(probed(codes[:4], labels[:4]))


@pytest.mark.parametrize(
    ("name", "read"), [("ridge", dmdlite.MODALITIES), ("ridge on vision", ("vision",))]
)
def test_a_simple_model_reads_its_modalities_alone(toy, toy_folder, tmp_path, name, read):
    run = Run(Study(str(toy_folder), **QUICK), SYSTEMS[name], 0)
    carry_out(run, tmp_path)
    found = load_file(run.folder(tmp_path) / OUTPUTS)["prediction"]
    train, test = standardize(concatenate([toy["train"], toy["valid"]]), toy["test"])
    expected = torch.as_tensor(ridge(train.select(*read), test.select(*read))).float()
    torch.testing.assert_close(found, expected)
    row = run.result(tmp_path)
    assert row["parameters"] == sum(test.select(*read).widths) + 1
    assert run.config_hash != Run(run.study, SYSTEMS["ridge on audio"], 0).config_hash


def test_incomplete_samples_join_every_training_fold_and_no_other(toy, toy_folder):
    own = {"folds": 3, **QUICK}
    plain, more = Study(str(toy_folder), **own), Study(str(toy_folder), incomplete=True, **own)
    lacking = {i for d in toy.values() for i in d.subset(~d.present.all(1)).ids}
    assert plain.lacking == more.lacking == len(lacking) > 0
    for (few, places), (many, again) in zip(plain.parts(0), more.parts(0), strict=True):
        assert torch.equal(places, again)
        assert many["test"].ids == few["test"].ids
        assert set(many["train"].ids) >= lacking
        assert not lacking & {*many["valid"].ids, *many["test"].ids, *few["train"].ids}
    system = System("DMD")
    assert Run(plain, system, 0).config_hash != Run(more, system, 0).config_hash
