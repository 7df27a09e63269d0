"""A model is taken for what it is: its parts, its mode, its scale, the axis that it reads."""

from dataclasses import replace
from itertools import zip_longest

import pytest
import torch

import dmdlite
from dmdlite import ConfigError, DataError, ModelError
from dmdlite.data.alignment import aligned
from dmdlite.evaluation import forward_all
from dmdlite.registry import find_model, load_model
from tests.conftest import SMALL
from tests.test_training import train


def test_a_model_of_aligned_data_refuses_others(toy):
    on_one_axis = {split: aligned(data) for split, data in toy.items()}
    model = find_model("ef-lstm").for_dataset(on_one_axis["train"], dim=8)
    dmdlite.predict(model, on_one_axis["test"])
    with pytest.raises(DataError, match="is not aligned, and this EFLSTM is made for"):
        dmdlite.predict(model, toy["test"])
    with pytest.raises(DataError, match="is not aligned"):
        dmdlite.fit(model, toy, dmdlite.TrainConfig(epochs=1, progress=False))
    resampling = find_model("ef-lstm").for_dataset(toy["train"], dim=8)
    dmdlite.predict(resampling, toy["test"])


class Level(dmdlite.GDUnit):
    """A unit of one's own: every edge weighs the same."""

    def weigh(self, scores, edges):
        return edges / edges.sum((1, 2), keepdim=True).clamp(min=1)


class OwnDMD(dmdlite.DMD):
    def __init__(self, config):
        super().__init__(config)
        self.homo = Level(config.dim, 3, config.gd_hidden)


def test_a_unit_of_ones_own_is_not_loaded_or_resumed_as_ours(toy, tmp_path):
    config = dmdlite.DMDConfig.for_dataset(toy["train"], **SMALL)
    model = dmdlite.DMD(config)
    model.homo = Level(config.dim, 3, config.gd_hidden)
    settings = dmdlite.TrainConfig(epochs=1, progress=False, device="cpu", out=str(tmp_path))
    dmdlite.fit(model, toy, settings)
    with pytest.raises(ModelError, match=r"parts of other classes .*'homo': 'Level'"):
        load_model(tmp_path)
    with pytest.raises(ConfigError, match=r"parts was .*Level"):
        dmdlite.fit(dmdlite.DMD(config), toy, replace(settings, epochs=2, resume=True))
    OwnDMD(config).save_pretrained(tmp_path / "own")
    assert isinstance(OwnDMD.from_pretrained(tmp_path / "own").homo, Level)


def test_what_is_loaded_says_whether_features_are_scaled(toy):
    wide = {k: replace(d, values={m: 50 * v for m, v in d.values.items()}) for k, d in toy.items()}
    scaling, _ = train(wide)
    taking, _ = train(wide, standardize=False)
    assert scaling.scaler.applied
    assert not taking.scaler.applied
    taking.load_state_dict(scaling.state_dict())
    scores = [dmdlite.evaluate(model, wide["test"])["mae"] for model in (scaling, taking)]
    assert scores[0] == pytest.approx(scores[1], abs=1e-6)


def test_looking_at_a_score_leaves_the_model_as_it_was(toy):
    model = dmdlite.DMD(dmdlite.DMDConfig.for_dataset(toy["train"], **SMALL)).train()
    model.fusion.eval()
    dmdlite.evaluate(model, toy["test"])
    assert model.training
    assert not model.fusion.training


def test_a_model_is_in_evaluation_mode_wherever_another_pass_stands(toy):
    model = find_model("dmd").for_dataset(toy["train"], output_dropout=0.4, **SMALL).train()
    alone = torch.cat([out.prediction for _, out in forward_all(model, toy["test"], 4)])
    few = toy["train"].subset(range(4))
    passes = zip_longest(forward_all(model, few, 4), forward_all(model, toy["test"], 4))
    beside = torch.cat([pair[1][1].prediction for pair in passes])
    assert beside.equal(alone)
    assert model.training


def test_raven_of_aligned_data_refuses_others_too(toy):
    model = find_model("raven").for_dataset(aligned(toy["train"]), dim=8)
    with pytest.raises(DataError, match="is not aligned"):
        dmdlite.predict(model, toy["test"])


def test_a_compiled_model_is_checked_too(toy):
    model, _ = train(toy, epochs=1)
    far = replace(toy["test"], values={m: 50 * v + 300 for m, v in toy["test"].values.items()})
    with pytest.raises(DataError, match="is not on the scale"):
        dmdlite.evaluate(torch.compile(model, backend="eager"), far)


def test_a_part_deep_inside_is_known_too(toy, tmp_path):
    class Own(torch.nn.Linear):
        pass

    model = dmdlite.DMD(dmdlite.DMDConfig.for_dataset(toy["train"], **SMALL))
    name, old = next((n, p) for n, p in model.named_modules() if type(p) is torch.nn.Linear)
    new = Own(old.in_features, old.out_features, bias=old.bias is not None)
    model.set_submodule(name, new)
    model.save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="'Own'"):
        load_model(tmp_path)


def test_what_was_saved_with_a_part_in_place_is_loaded_by_a_class_that_has_it(toy, tmp_path):
    config = dmdlite.DMDConfig.for_dataset(toy["train"], **SMALL)
    model = dmdlite.DMD(config)
    model.homo = Level(config.dim, 3, config.gd_hidden)
    model.save_pretrained(tmp_path)
    assert isinstance(OwnDMD.from_pretrained(tmp_path).homo, Level)
