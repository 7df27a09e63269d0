"""The first chapter: its code against dmdlite and a loop, its checks against wrong answers."""

import numpy as np
import pytest
import torch

from dmdlite.data.toy import SENSES
from dmdlite.encoders import last_step, masked_mean
from tests.chapters import chapter

NAME = "01_three_voices"


@pytest.fixture(scope="module")
def ns():
    namespace = chapter(NAME)
    namespace["RATES"] = {m: sense.rate for m, sense in SENSES.items()}
    namespace["LAGS"] = np.arange(-1.0, 1.01, 0.1)
    return namespace


def test_its_masked_mean_is_dmdlites(ns):
    batch = ns["splits"]["train"].batch(range(40))
    for m, x in batch.features.items():
        torch.testing.assert_close(
            ns["mean_over_real"](x, batch.masks[m]), masked_mean(x, batch.masks[m])
        )


def test_alignment_is_a_mean_inside_each_word(ns):
    train = ns["splits"]["train"]
    aligned = ns["align_to_words"](train, 3)
    start, end = train.offsets["audio"][3:5].tolist()
    frames = train.values["audio"][start:end]
    for word in range(12):
        inside = [i for i in range(len(frames)) if int(i / 3.0 * 1.5) == word]
        torch.testing.assert_close(aligned["audio"][word], frames[inside].mean(0))


def test_the_lag_of_a_shifted_copy_is_found(ns):
    """A modality whose activity is language's, half a second later."""
    train = ns["splits"]["train"]
    original = ns["activity"]

    def shifted(dataset, index, m):
        times, active = original(dataset, index, "language")
        return (times + 0.5, active) if m == "vision" else (times, active)

    ns["activity"] = shifted
    try:
        curve = np.mean([ns["lagged"](train, i, "vision") for i in range(12)], axis=0)
    finally:
        ns["activity"] = original
    assert ns["LAGS"][curve.argmax()] == pytest.approx(0.5)


def first_step(x, mask):
    return x[:, 0] * mask.any(1, keepdim=True)


def last_column(x, mask):
    return x[:, -1]


def by_count(x, mask):
    """Right for padding on the right only."""
    return x[torch.arange(len(x)), (mask.sum(1) - 1).clamp(min=0)] * mask.any(1, keepdim=True)


def naive_inputs(batch, F):
    """Means over padding too."""
    means = [x.mean(1)[:, :F] for x in batch.features.values()]
    return torch.stack([(v - v.mean(0)) / v.std(0, correction=0) for v in means], dim=1)


def unscaled_inputs(batch, F):
    pairs = zip(batch.features.values(), batch.masks.values(), strict=True)
    return torch.stack([masked_mean(x, mask)[:, :F] for x, mask in pairs], dim=1)


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        ("check_last", first_step),
        ("check_last", last_column),
        ("check_last", by_count),
        ("check_inputs", naive_inputs),
        ("check_inputs", unscaled_inputs),
    ],
)
def test_wrong_answers_are_refused(ns, capsys, check, answer):
    ns["attempt"](ns[check], answer)
    assert capsys.readouterr().out.startswith("not yet: ")


def test_last_step_of_the_package_is_accepted(ns, capsys):
    ns["attempt"](ns["check_last"], last_step)
    assert capsys.readouterr().out == "correct\n"
