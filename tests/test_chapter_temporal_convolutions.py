"""The convolution chapter: its code against PyTorch and dmdlite, its checks on wrong answers."""

import pytest
import torch
import torch.nn.functional as F

from dmdlite.encoders import TemporalConv, masked_mean
from tests.chapters import chapter

NAME = "03_temporal_convolutions"


@pytest.fixture(scope="module")
def ns():
    return chapter(NAME)


@pytest.mark.parametrize("kernel", [1, 3, 5, 9])
def test_three_views_of_one_convolution(ns, kernel):
    x, w = torch.randn(12), torch.randn(kernel)
    slid = ns["slide"](x, w)
    torch.testing.assert_close(ns["conv_matrix"](w, 12) @ x, slid)
    windows = ns["convolve"](x[None, :, None], w[None, None])[0, :, 0]
    torch.testing.assert_close(windows, slid)
    torch.testing.assert_close(
        F.conv1d(x[None, None], w[None, None], padding=kernel // 2)[0, 0], slid
    )


def test_its_masked_convolution_is_dmdlites(ns):
    batch = ns["train"].batch(range(20))
    x, mask = batch.features["vision"], batch.masks["vision"]
    mine, theirs = ns["MyTemporalConv"](16, 12, 5), TemporalConv(16, 12, 5)
    mine.weight.data = theirs.conv.weight.data
    filled = x.masked_fill(~mask[..., None], 7.0)  # what fills must not matter
    torch.testing.assert_close(mine(filled, mask), theirs(x, mask))


def test_the_mean_of_windows_is_a_mean_of_moved_sequences(ns):
    pooled = ns["window_mean"](ns["test"], "audio", 3)
    start, end = ns["test"].offsets["audio"][5:7].tolist()
    x = ns["test"].values["audio"][start:end]  # [T, 8]
    before = F.pad(x, (0, 0, 1, 0))[:-1].mean(0)
    torch.testing.assert_close(pooled[5].view(8, 3)[:, 0], before)


def flipped_valid(w, T):
    rows = T - len(w) + 1
    return torch.stack([F.pad(w.flip(0), (t, T - len(w) - t)) for t in range(rows)])


def right_valid(w, T):
    return flipped_valid(w.flip(0), T)


def future(w, T):
    return right_valid(w, T + len(w) - 1)[:, :T]


def past(w, T):
    return right_valid(w, T + len(w) - 1)[:, len(w) - 1 :]


def over_padding(x, mask):
    flat = x.flatten(0, 1)
    return ((x - flat.mean(0)) / flat.std(0, correction=0)) * mask[..., None]


def fill_moves(x, mask):
    real = x[mask]
    return (x - real.mean(0)) / real.std(0, correction=0)


def plain_mean(batch, convs):
    return torch.stack([convs[m](x, batch.masks[m]).mean(1) for m, x in batch.features.items()], 1)


def no_convolution(batch, convs):
    return torch.stack(
        [masked_mean(x, batch.masks[m])[:, :8] for m, x in batch.features.items()], 1
    )


@pytest.mark.parametrize(
    ("check", "answers"),
    [
        ("check_matrices", (flipped_valid, past)),
        ("check_matrices", (right_valid, future)),
        ("check_matrices", (past, past)),
        ("check_standardized", (over_padding,)),
        ("check_standardized", (fill_moves,)),
        ("check_unit_features", (plain_mean,)),
        ("check_unit_features", (no_convolution,)),
    ],
)
def test_wrong_answers_are_refused(ns, capsys, check, answers):
    ns["attempt"](ns[check], *answers)
    assert capsys.readouterr().out.startswith("not yet: ")


def test_right_matrices_are_accepted(ns, capsys):
    ns["attempt"](ns["check_matrices"], right_valid, past)
    assert capsys.readouterr().out == "correct\n"
