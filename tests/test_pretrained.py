"""Models saved and loaded: the same numbers back, and errors that name what is wrong."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from dmdlite import DMD, ConfigError, DataError, DMDConfig, ModelError
from tests.conftest import SMALL


def spoil(folder, change):
    path = folder / "model.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)


def test_save_and_load_give_the_same_model(toy, model, tmp_path):
    model.save_pretrained(tmp_path)
    batch = toy["test"].batch(range(8))
    loaded = DMD.from_pretrained(tmp_path)
    assert loaded.config == model.config
    assert torch.equal(loaded(batch).prediction, model(batch).prediction)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["config.json", "model.safetensors"]


def test_save_and_load_with_prior(toy, tmp_path):
    prior = [[0, 2, 1], [0, 0, 1], [0, 0, 0]]
    model = DMD(DMDConfig.for_dataset(toy["train"], gd_prior=prior, **SMALL))
    model.save_pretrained(tmp_path)
    assert torch.equal(DMD.from_pretrained(tmp_path).homo.prior, torch.tensor(prior) / 4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop("homo.logit.bias"), "missing homo.logit.bias"),
        (lambda t: t.update(stranger=torch.zeros(1)), "extra stranger"),
        (
            lambda t: t.update({"homo.logit.bias": torch.zeros(2)}),
            r"homo.logit.bias has shape \[2\], expected \[1\]",
        ),
    ],
)
def test_loading_says_which_tensor_is_wrong(model, tmp_path, change, message):
    model.save_pretrained(tmp_path)
    spoil(tmp_path, change)
    with pytest.raises(ModelError, match=message):
        DMD.from_pretrained(tmp_path)


def test_loading_unreadable_files(model, tmp_path):
    with pytest.raises(DataError, match=r"config.json: no such file"):
        DMD.from_pretrained(tmp_path / "nowhere")
    model.save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"half a file")
    with pytest.raises(ModelError, match="not a readable safetensors"):
        DMD.from_pretrained(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(DataError, match="not readable as JSON"):
        DMD.from_pretrained(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"widths": [1, 1, 1], "colour": "red"}))
    with pytest.raises(ConfigError, match="unknown field colour"):
        DMD.from_pretrained(tmp_path)


def test_weights_that_are_not_numbers_are_refused(model, tmp_path):
    model.save_pretrained(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    tensors["homo.logit.bias"] = torch.tensor([torch.nan])
    tensors["homo.edge.bias"] = tensors["homo.edge.bias"].double()
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match=r"homo.edge.bias is torch.float64.*logit.bias holds NaN"):
        DMD.from_pretrained(tmp_path)


@pytest.mark.parametrize("content", ["[1]", "false", "5"])
def test_config_that_is_no_object(model, tmp_path, content):
    model.save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(ConfigError, match="DMDConfig: named settings"):
        DMD.from_pretrained(tmp_path)
