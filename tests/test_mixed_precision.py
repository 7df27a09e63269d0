"""bfloat16, as a GPU computes by default, here on the CPU; float32 where a GPU has none."""

import pytest
import torch

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
    """What CUDA does by default, here on the CPU (not yet run on a GPU)."""
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


@pytest.mark.parametrize("has", [True, False])
def test_a_gpu_without_bfloat16_computes_in_float32(monkeypatch, has):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: has)
    assert autocast(torch.device("cuda"))._enabled == has
    assert not autocast(torch.device("cpu"))._enabled
