"""The decoupling chapter: its code against dmdlite and its claims, its checks on wrong answers."""

import pytest
import torch

from dmdlite import MODALITIES
from dmdlite.encoders import Decoupler, masked_mean
from tests.chapters import chapter

NAME = "04_decoupling"


@pytest.fixture(scope="module")
def ns():
    return chapter(NAME)


def test_its_decoupler_is_dmdlites_gradients_too(ns):
    theirs, mine = Decoupler(MODALITIES, 6), ns["MyDecoupler"](MODALITIES, 6)
    mine.load_state_dict(theirs.state_dict())
    shallow = {m: torch.randn(2, 4, 6) for m in MODALITIES}
    masks = {m: torch.rand(2, 4) < 0.7 for m in MODALITIES}
    losses = [ns["self_regression"](shallow, d, masks) for d in (mine, theirs)]
    torch.testing.assert_close(*losses)
    for d, loss in zip((mine, theirs), losses, strict=True):
        loss.backward()
        assert all(p.grad.abs().max() > 0 for p in d.parameters())
    mine_grads, their_grads = ({n: p.grad for n, p in d.named_parameters()} for d in (mine, theirs))
    for name, gradient in mine_grads.items():
        torch.testing.assert_close(gradient, their_grads[name])


@pytest.mark.parametrize("r", [0, 3, 16])
def test_every_position_of_the_dial_costs_nothing(ns, r):
    common, private = ns["dial"](r)
    assert torch.linalg.matrix_rank(common, tol=1e-4) == r
    assert torch.linalg.matrix_rank(private, tol=1e-4) == 16 - r
    torch.testing.assert_close(common + private, torch.eye(16), atol=1e-5, rtol=0)
    torch.testing.assert_close(private @ private, private, atol=1e-5, rtol=0)


def test_a_probe_reads_what_is_there_and_nothing_else(ns):
    def truth(batch):
        same = ns["train"] if len(batch) == len(ns["train"]) else ns["test"]
        return {"vision": same.factors["private_vision"][:, None]}  # [N, 1, 3]

    def noise(batch):
        return {"vision": torch.randn(len(batch), 1, 3, generator=torch.Generator().manual_seed(0))}

    original = ns["masked_mean"]
    ns["masked_mean"] = lambda x, mask: x[:, 0]
    try:
        assert ns["probe"](truth, "vision", "private_vision") > 0.99
        assert ns["probe"](noise, "vision", "private_vision") < 0.05
    finally:
        ns["masked_mean"] = original


def all_private(x, p):
    return torch.zeros_like(x), x


def not_centred(x, p):
    private = (p + 1) @ torch.linalg.lstsq(p + 1, x).solution
    return x - private, private


def own_dial_of_private(ns):
    def gap(r, batch, unit):
        _, private = ns["dial"](r)
        codes = ns["shallow_code"](batch)
        rows = [masked_mean(codes[m] @ private.T, batch.masks[m]) for m in MODALITIES]
        return float(unit(torch.stack(rows, 1)).discrepancy.sum() / (len(batch) * 6))

    return gap


def diagonal_counted(ns):
    def gap(r, batch, unit):
        codes = ns["shallow_code"](batch)
        E = ns["dial"](r)[0]
        rows = [masked_mean(codes[m] @ E.T, batch.masks[m]) for m in MODALITIES]
        return float(unit(torch.stack(rows, 1)).discrepancy.mean())

    return gap


def nothing_detached(ns):
    return ns["self_regression"]


def half_detached(ns):
    def loss(shallow, decoupler, masks):
        _, private, decoded, again = decoupler(shallow)
        total = 0.0
        for m, x in shallow.items():
            total = total + ns["reconstruction_loss"](x.detach(), decoded[m], masks[m])
            total = total + ns["cycle_loss"](private[m], again[m], masks[m])
        return total

    return loss


def features_detached(ns):
    def loss(shallow, decoupler, masks):
        fixed = {m: x.detach() for m, x in shallow.items()}
        return ns["self_regression"](fixed, decoupler, masks)

    return loss


@pytest.mark.parametrize(
    ("check", "make"),
    [
        ("check_split", lambda ns: all_private),
        ("check_split", lambda ns: not_centred),
        ("check_gap", own_dial_of_private),
        ("check_gap", diagonal_counted),
        ("check_steady", nothing_detached),
        ("check_steady", half_detached),
        ("check_steady", features_detached),
    ],
)
def test_wrong_answers_are_refused(ns, capsys, check, make):
    ns["attempt"](ns[check], make(ns))
    assert capsys.readouterr().out.startswith("not yet: ")
