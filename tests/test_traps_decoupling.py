"""What the checks of chapter 4 say: to wrong answers beside those of `test_traps_build`, and to
right answers written another way than the solution."""

import torch
from sklearn.linear_model import LinearRegression

from dmdlite.encoders import masked_mean
from tests.chapters import space, told


def explained(x, p):
    """The part of x that a linear map of p explains, both centred."""
    a = p - p.mean(0)
    return a @ torch.linalg.lstsq(a, x - x.mean(0)).solution


def in_numpy(x, p):
    """Right, another way: with scikit-learn, in NumPy."""
    private = LinearRegression().fit(p.numpy(), x.numpy()).predict(p.numpy())
    return x.numpy() - private, private


def by_qr(x, p):
    """Right, another way: onto an orthonormal basis, in float64; the mean is private here."""
    Q = torch.linalg.qr(torch.cat([torch.ones(len(p), 1), p], 1).double())[0]
    private = Q @ (Q.T @ x.double())
    return x - private, private


def without_a_mean(x, p):
    private = p @ torch.linalg.lstsq(p, x).solution
    return x - private, private


def first_columns(x, p):
    private = torch.zeros_like(x)
    private[:, :3] = p
    return x - private, private


def mean_lost(x, p):
    private = explained(x, p)
    return x - x.mean(0) - private, private


def in_place(x, p):
    x -= x.mean(0)
    private = explained(x, p)
    return x - private, private


def ridge_split(x, p):
    a = p - p.mean(0)
    private = a @ torch.linalg.solve(a.T @ a + 10 * torch.eye(3), a.T @ (x - x.mean(0)))
    return x - private, private


def gap_with(pool=masked_mean, of=None, told=False, dial=0):
    """A mean gap with one step exchanged."""

    def mean_gap(r, batch, unit):
        ns = space("04")
        E, codes = ns["dial"](r)[dial].T, ns["shallow_code"](batch)
        rows = torch.stack([pool(codes[m] @ E, batch.masks[m]) for m in codes], 1)
        return of(unit(rows, batch.present) if told else unit(rows), batch.present)

    return mean_gap


def over_edges(out, present):
    return float(out.discrepancy.sum()) / (len(present) * 6)


def over_edges_there(out, present):
    both = present[:, :, None] & present[:, None, :] & ~torch.eye(3, dtype=torch.bool)
    return float(out.discrepancy[both].mean())


def by_loops(out, present):
    """Right, another way."""
    z = out.logits.tolist()
    gaps = [abs(a - b) for row in z for i, a in enumerate(row) for b in row[:i] + row[i + 1 :]]
    return sum(gaps) / len(gaps)


def encoded_after(r, batch, unit):
    """Right, another way: pool, then encode; a tensor."""
    ns = space("04")
    codes = ns["shallow_code"](batch)
    rows = torch.stack([masked_mean(codes[m], batch.masks[m]) for m in codes], 1)
    z = unit.logit(rows @ ns["dial"](r)[0].T).squeeze(-1)
    return (z[:, :, None] - z[:, None]).abs().sum((1, 2)).mean() / 6


def regression(target=torch.detach, cycle=torch.detach, again=lambda x: x, masked=True, scale=1):
    """A self-regression with one step exchanged."""

    def steady_regression(shallow, decoupler, masks):
        _, private, decoded, encoded = decoupler(shallow)
        total = 0.0
        for m, x in shallow.items():
            mask = masks[m] if masked else torch.ones_like(masks[m])
            total = total + space("04")["reconstruction_loss"](target(x), decoded[m], mask)
            total = total + space("04")["cycle_loss"](cycle(private[m]), again(encoded[m]), mask)
        return total * scale

    return steady_regression


def own_mean(shallow, decoupler, masks):
    """Right, another way: constants from a pass of their own, squares averaged by hand."""
    with torch.no_grad():
        targets = decoupler(shallow)[1]
    _, _, decoded, again = decoupler(shallow)
    total = torch.zeros(())
    for m, x in shallow.items():
        for a, b in ((x.detach(), decoded[m]), (targets[m], again[m])):
            errors = (a - b).square().mean(-1) * masks[m]
            total = total + (errors.sum(1) / masks[m].sum(1).clamp(min=1)).mean()
    return total


def nothing_learns(shallow, decoupler, masks):
    with torch.no_grad():
        return space("04")["self_regression"](shallow, decoupler, masks)


CASES = {  # check -> (answer, what is said of it)
    "check_split": [
        (in_numpy, "correct"),
        (by_qr, "correct"),
        (lambda x, p: (explained(x, p), x - explained(x, p)), "the other way round"),
        (without_a_mean, "x and p have means: take them off before you fit"),
        (first_columns, "p and common still covary"),
        (mean_lost, "the two codes must add up to x, mean and all"),
        (in_place, "it changes `x`, which it was given: work on a copy"),
        (ridge_split, "p and common still covary"),
        (lambda x, p: (x - explained(x, p), p), "expected shape [200, 8]"),
        (lambda x, p: x - explained(x, p), "two codes: common, private"),
        (lambda x, p: None, "two codes: common, private"),
        (
            lambda x, p: (x - explained(x, p[:, :1]), explained(x, p[:, :1])),
            "p and common still covary",
        ),
    ],
    "check_gap": [
        (gap_with(of=by_loops), "correct"),
        (encoded_after, "correct"),
        (gap_with(lambda x, mask: x.mean(1), over_edges), "r = 4: real steps only, no padding"),
        (gap_with(of=over_edges_there), "r = 4: a missing modality takes part"),
        (gap_with(of=over_edges, told=True), "r = 4: a missing modality takes part"),
        (gap_with(of=over_edges, dial=1), "r = 0: common is 0 and all logits equal"),
        (gap_with(of=lambda out, _: float(out.discrepancy.sum())), "r = 4: a mean, not a sum"),
        (
            gap_with(of=lambda out, _: float(out.discrepancy.sum((1, 2)).mean())),
            "r = 4: a mean over edges, too, not a sum",
        ),
        (
            gap_with(of=lambda out, _: float(out.loss)),
            "r = 4: the plain mean, not the unit's weighted",
        ),
        (gap_with(lambda x, mask: x.sum(1), over_edges), "r = 4: a mean over steps, not a sum"),
        (lambda *_: None, "it returned None: is a `return` missing?"),
        (gap_with(of=lambda out, _: out.discrepancy), "expected one number"),
    ],
    "check_steady": [
        (own_mean, "correct"),
        (regression(), "correct"),
        (nothing_learns, "the features of each modality must learn, via"),
        (regression(target=lambda x: x), "Eq. 2: its target, x, is not a constant yet"),
        (regression(cycle=lambda x: x), "Eq. 3: its target, private, is not a constant"),
        (
            regression(cycle=lambda x: x, again=torch.detach),
            "the decoder learns as before",
        ),
        (regression(masked=False), "real steps only: use the masks"),
        (regression(scale=1 / 3), "a sum over modalities"),
        (lambda *a: float(regression()(*a)), "the features of each modality must learn, via"),
        (lambda *a: None, "it returned None: is a `return` missing?"),
    ],
}
test_an_answer_is_told_what_it_is = told(
    [("04", check, *case) for check, cases in CASES.items() for case in cases]
)
