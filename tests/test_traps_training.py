"""What the checks of chapter 9 say: to further answers that a learner may write, to
answers of another type, and to right ones written another way than the solution."""

import itertools

import numpy as np
import torch

from tests.chapters import space, told


def nothing(*_):
    return None


def looks_ahead(errors, patience):
    best = errors.index(min(errors))
    return best + 1, min(best + patience, len(errors) - 1) + 1


def than_the_last(errors, patience):
    waited = 0
    for epoch in range(1, len(errors)):
        waited = 0 if errors[epoch] < errors[epoch - 1] else waited + 1
        if waited == patience:
            break
    seen = errors[: epoch + 1] if len(errors) > 1 else errors
    return seen.index(min(seen)) + 1, len(seen)


def equal_ignored(errors, patience):
    """Counts an epoch against patience only where the error is larger."""
    best, worse = 0, 0
    for epoch, error in enumerate(errors):
        if error < errors[best]:
            best, worse = epoch, 0
        worse += error > errors[best]
        if worse == patience:
            return best + 1, epoch + 1
    return best + 1, len(errors)


def stops(least=0.0, start=float("inf"), past_the_end=False, from_one=1, swapped=False):
    def stopping(errors, patience):
        low, best, waited, last = start, 0, 0, len(errors)
        for epoch, error in enumerate(errors):
            if error < low - least:
                low, best, waited = error, epoch, 0
            else:
                waited += 1
            if waited >= patience:
                last = epoch + 1
                break
        if past_the_end:
            last = best + 1 + patience
        found = (best + from_one, last - 1 + from_one)
        return found[::-1] if swapped else found

    return stopping


def empties_it(errors, patience):
    low, best, epoch = float("inf"), 0, 0
    while (errors and epoch - best < patience) or not epoch:
        epoch += 1
        error = errors.pop(0)
        low, best = (error, epoch) if error < low else (low, best)
    return best, epoch


def scanned(errors, patience):
    """Right, another way: NumPy, and a list."""
    lowest = np.minimum.accumulate(errors)
    best = [int(np.argmax(lowest == low)) for low in lowest]
    ends = [e for e, b in enumerate(best) if e - b >= patience]
    last = ends[0] if ends else len(errors) - 1
    return [best[last] + 1, last + 1]


def accumulated(weigh, zero="before", step=False, cut=None):
    def accumulate(model, parts, loss):
        total = sum(len(part) for part in parts)
        if zero == "before":
            model.zero_grad()
        for part in parts:
            if zero == "within":
                model.zero_grad()
            (loss(model, part) * weigh(len(part), total)).backward()
        if cut:
            torch.nn.utils.clip_grad_norm_(model.parameters(), cut)
        if step:
            torch.optim.SGD(model.parameters(), lr=1e-3).step()

    return accumulate


def handed_back(model, parts, loss):
    total = sum(map(len, parts))
    losses = [loss(model, part) * len(part) / total for part in parts]
    return torch.autograd.grad(sum(losses), list(model.parameters()), allow_unused=True)


def all_at_once(model, parts, loss):
    model.zero_grad()
    loss(model, space("09")["train"].batch(range(14))).backward()


def one_backward(model, parts, loss):
    """Right, another way: one pass back through all parts."""
    total, clips = 0.0, 0
    for p in model.parameters():
        p.grad = None
    for part in parts:
        total, clips = total + len(part) * loss(model, part), clips + len(part)
    (total / clips).backward()


def by_autograd(model, parts, loss):
    """Right, another way: gradients added up by hand."""
    total = sum(map(len, parts))
    for p in model.parameters():
        p.grad = torch.zeros_like(p)
    for part in parts:
        found = torch.autograd.grad(loss(model, part), [*model.parameters()], allow_unused=True)
        for p, g in zip(model.parameters(), found, strict=True):
            p.grad += 0 if g is None else g * len(part) / total


def grouped(is_unit, copied=False, whole=None):
    def two_rates(model, rate, gd_rate):
        groups = [[], []]
        for name, p in model.named_parameters():
            groups[is_unit(name)].append(p.detach().clone() if copied else p)
        rest, units = groups
        made = [{"params": rest, "lr": rate}, {"params": units, "lr": gd_rate}]
        return torch.optim.Adam(made if whole is None else made[whole : whole + 1])

    return two_rates


def of_a_unit(name):
    return name.split(".")[0] in ("homo", "hetero")


def used_up(model, rate, gd_rate):
    units = itertools.chain(model.homo.parameters(), model.hetero.parameters())
    mine = {id(p) for p in units}
    rest = [p for p in model.parameters() if id(p) not in mine]
    return torch.optim.Adam([{"params": rest}, {"params": units, "lr": gd_rate}], lr=rate)


def a_group_each(model, rate, gd_rate):
    """Right, another way: a group a parameter."""
    rates = {True: gd_rate, False: rate}
    named = model.named_parameters()
    return torch.optim.Adam([{"params": [p], "lr": rates[of_a_unit(n)]} for n, p in named])


CASES = [  # chapter, check, answer, what is said of it
    ("09", "check_stopping", nothing, "two epochs, got None"),
    ("09", "check_stopping", lambda errors, patience: min(errors), "two epochs, got 1.0"),
    ("09", "check_stopping", equal_ignored, "equal is not better, and waits"),
    ("09", "check_stopping", looks_ahead, "what comes later is not seen"),
    ("09", "check_stopping", than_the_last, "not yet"),
    ("09", "check_stopping", stops(least=1e-3), "a little better is better"),
    ("09", "check_stopping", stops(start=100), "[300, 200, 400]"),
    ("09", "check_stopping", stops(past_the_end=True), "not yet"),
    ("09", "check_stopping", stops(from_one=0), "epochs count from 1"),
    ("09", "check_stopping", stops(swapped=True), "(2, 4), got (4, 2)"),
    ("09", "check_stopping", empties_it, "it changes `errors`"),
    ("09", "check_stopping", stops(), "correct"),
    ("09", "check_stopping", scanned, "correct"),
    ("09", "check_accumulate", nothing, "nothing new"),
    ("09", "check_accumulate", handed_back, "nothing new"),
    ("09", "check_accumulate", accumulated(lambda n, N: 1), "every part counts alike"),
    ("09", "check_accumulate", accumulated(lambda n, N: 1 / 3), "every part counts alike"),
    ("09", "check_accumulate", accumulated(lambda n, N: n), "but for a factor"),
    ("09", "check_accumulate", accumulated(lambda n, N: n / 14), "but for a factor"),
    ("09", "check_accumulate", accumulated(lambda n, N: n / N, cut=1e-2), "but for a factor"),
    ("09", "check_accumulate", accumulated(lambda n, N: n / N, "never"), "earlier step"),
    ("09", "check_accumulate", accumulated(lambda n, N: n / N, "within"), "the last part"),
    ("09", "check_accumulate", accumulated(lambda n, N: n / N, step=True), "it changes `model`"),
    ("09", "check_accumulate", all_at_once, "run the parts"),
    ("09", "check_accumulate", one_backward, "correct"),
    ("09", "check_accumulate", by_autograd, "correct"),
    ("09", "check_rates", nothing, "an Adam optimiser, got NoneType"),
    ("09", "check_rates", grouped(lambda n: n.startswith("homo")), "hetero.logit.weight: 5e-05"),
    ("09", "check_rates", grouped(lambda n: not of_a_unit(n)), "0.002, got 5e-05"),
    ("09", "check_rates", grouped(of_a_unit, copied=True), "is in no group"),
    ("09", "check_rates", grouped(of_a_unit, whole=0), "homo.logit.weight itself is in no group"),
    ("09", "check_rates", used_up, "homo.logit.weight itself is in no group"),
    ("09", "check_rates", grouped(of_a_unit), "correct"),
    ("09", "check_rates", a_group_each, "correct"),
]
test_an_answer_is_told_what_it_is = told(CASES)
