"""`TrainConfig.bf16`: close to float32, never unasked, refused by a GPU that has none."""

import pytest
import torch

import dmdlite
from dmdlite import ConfigError, TrainConfig
from dmdlite.devices import autocast
from tests.test_baselines import EVERY, made


@pytest.fixture(scope="module")
def bfloat16_lstm():
    """Skips where the processor has none: many do not."""
    try:
        with torch.autocast("cpu", torch.bfloat16):
            states, _ = torch.nn.LSTM(4, 4)(torch.zeros(2, 1, 4))
        states.sum().backward()
    except RuntimeError as error:
        pytest.skip(f"this processor has no bfloat16 LSTM ({str(error).splitlines()[0]})")


@EVERY
def test_mixed_precision_comes_close(toy, name, request):
    model = made(toy["train"], name)
    if any(isinstance(module, torch.nn.LSTM) for module in model.modules()):
        request.getfixturevalue("bfloat16_lstm")
    batch = toy["train"].batch(range(8))
    plain = model(batch).prediction
    with torch.autocast("cpu", torch.bfloat16):
        output = model(batch)
        total = output.losses(batch)["total"]
    total.backward()
    torch.testing.assert_close(output.prediction.float(), plain, atol=0.1, rtol=0.1)


@pytest.mark.parametrize("asked", [True, False])
def test_training_takes_it_when_asked_and_scores_are_float32(toy, asked):
    seen = {True: set(), False: set()}
    model = made(toy["train"], "linear")
    model.out.register_forward_hook(lambda m, _, out: seen[m.training].add(out.dtype))
    splits = {k: toy[k].subset(range(16)) for k in ("train", "valid")}
    dmdlite.fit(model, splits, TrainConfig(epochs=1, bf16=asked, device="cpu", progress=False))
    assert seen == {True: {torch.bfloat16 if asked else torch.float32}, False: {torch.float32}}


def test_a_gpu_without_bfloat16_refuses_it(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: False)
    with pytest.raises(ConfigError, match="bf16: this GPU has no bfloat16"):
        autocast(torch.device("cuda"), bf16=True)
    assert not autocast(torch.device("cuda"), bf16=False)._enabled
