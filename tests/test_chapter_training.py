"""The training chapter: its loop is fit's, its checks refuse wrong answers."""

import pytest
import torch

import dmdlite
from tests.chapters import chapter, refused
from tests.conftest import SMALL

NS = chapter("09_training_for_real")


def test_its_loop_gives_the_numbers_of_fit(toy):
    config = dmdlite.TrainConfig(epochs=3, progress=False, device="cpu")
    histories = []
    for fit in (
        lambda model: NS["my_fit"](model, toy["train"], toy["valid"], epochs=3),
        lambda model: dmdlite.fit(model, toy, config),
    ):
        dmdlite.seed_everything(0)
        histories.append(fit(dmdlite.DMD.for_dataset(toy["train"], **SMALL)))
    for mine, theirs in zip(*histories, strict=True):
        assert mine["valid_mae"] == pytest.approx(theirs["valid_mae"], abs=1e-5)
        for name in ("task", "rec", "mar", "total"):
            assert mine[name] == pytest.approx(theirs[f"train_{name}"], rel=1e-4, abs=1e-5)


def not_strictly(errors, patience):
    best = 0
    for epoch, error in enumerate(errors):
        if error <= errors[best]:
            best = epoch
        if epoch - best >= patience:
            return best + 1, epoch + 1
    return best + 1, len(errors)


def from_zero(errors, patience):
    return errors.index(min(errors)), len(errors)


def one_late(errors, patience):
    best = 0
    for epoch, error in enumerate(errors):
        if error < errors[best]:
            best = epoch
        if epoch - best > patience:
            return best + 1, epoch + 1
    return best + 1, len(errors)


def summed(model, parts, loss):
    model.zero_grad()
    for part in parts:
        loss(model, part).backward()


def parts_alike(model, parts, loss):
    model.zero_grad()
    for part in parts:
        (loss(model, part) / len(parts)).backward()


def on_top_of_old(model, parts, loss):
    total = sum(len(part) for part in parts)
    for part in parts:
        (loss(model, part) * len(part) / total).backward()


def units_alone(model, rate, gd_rate):
    return torch.optim.Adam([*model.homo.parameters(), *model.hetero.parameters()], lr=gd_rate)


def one_rate(model, rate, gd_rate):
    return torch.optim.Adam(model.parameters(), lr=rate)


test_wrong_answers_are_refused = refused(
    NS,
    check_stopping=(
        not_strictly,
        from_zero,
        one_late,
    ),
    check_accumulate=(
        summed,
        parts_alike,
        on_top_of_old,
    ),
    check_rates=(
        units_alone,
        one_rate,
    ),
)
