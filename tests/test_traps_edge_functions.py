"""What the checks of chapter 6, Exercises 4 and 5, say: to wrong answers beside those of
`test_traps_build`, and to right answers written another way than the solution."""

import torch

from tests.chapters import space, told


def with_entropy(
    change=lambda W, H, E, t: (W * E).sum() - t * H, weights=None, log=torch.log, out=0
):
    """Training with one step exchanged."""

    def train_with_entropy(E, temperature, steps=1500):
        weights_of = weights or space("06")["softmax_over_edges"]
        scores = torch.nn.Parameter(torch.zeros_like(E))
        optimiser, history = torch.optim.Adam([scores], lr=0.02), []
        for _ in range(steps):
            W = weights_of(scores)
            loss = change(W, -(W * log(W.clamp(min=1e-12))).sum(), E, temperature)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            history.append(W.detach())
        ends = (W[0].detach(), W.detach(), scores[0].detach(), torch.cat(history))
        return ends[out]

    return train_with_entropy


def nan_from_the_diagonal(E, temperature, steps=1500):
    return with_entropy(lambda W, H, E, t: (W * E).sum() + t * (W * W.log()).sum())(
        E, temperature, 20
    )


def over_teachers(scores):
    diagonal = torch.eye(scores.shape[-1], dtype=torch.bool)
    return scores.masked_fill(diagonal, -torch.inf).softmax(1)


def with_diagonal(scores):
    return scores.flatten(1).softmax(1).view_as(scores)


def by_entr(E, temperature, steps=1500):
    """Right, another way: free logits of the edges alone, another optimiser, float64."""
    off = ~torch.eye(E.shape[-1], dtype=torch.bool)
    s = torch.zeros(int(off.sum()), dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([s], max_iter=200)

    def closure():
        optimiser.zero_grad()
        w = s.softmax(0)
        loss = (w * E[0][off]).sum() - temperature * torch.special.entr(w).sum()
        loss.backward()
        return loss

    optimiser.step(closure)
    W = torch.zeros(E.shape[1:], dtype=torch.float64)
    W[off] = s.softmax(0).detach()
    return W


def unit_with(score, weights=None, loss=None, gap=None, out=lambda *four: four):
    """A unit whose scores are `score`(unit, teacher, student) of both ends after `node`."""

    class Unit(space("06")["MyGDUnit"]):
        def forward(self, features):
            ns = space("06")
            z = self.logit(features).squeeze(-1)
            ends = torch.cat([z[..., None], features], -1).detach()
            teacher, student = ns["pairs"](self.node(ends)).chunk(2, dim=-1)
            W = (weights or ns["softmax_over_edges"])(score(self, teacher, student).squeeze(-1))
            E = gap(z) if gap else (z[:, None, :] - z.detach()[:, :, None]).abs()
            L = loss(W, E) if loss else (W * E).sum((1, 2)).mean()
            return out(z, W, E, L)

    return Unit


def edge(join):
    return lambda unit, t, s: unit.edge(torch.cat(join(t, s), -1))


RIGHT_SCORE = edge(lambda t, s: (torch.tanh(t - s), s))


def hard_coded(scores):
    off = ~torch.eye(3, dtype=torch.bool)
    flat = scores.reshape(-1, 9).masked_fill(~off.flatten(), -torch.inf)
    return flat.softmax(1).reshape(-1, 3, 3)


CASES = {  # check -> (answer, what is said of it)
    "check_entropy": [
        (with_entropy(), "correct"),
        (by_entr, "correct"),
        (lambda E, t, steps=1500: with_entropy()(E, t).numpy(), "correct"),
        (with_entropy(out=1), "expected shape [3, 3]"),
        (with_entropy(out=2), "one graph sums to"),
        (with_entropy(out=3), "expected shape [3, 3]"),
        (with_entropy(lambda W, H, E, t: (W * E).sum() + t * H), "one pair has it all"),
        (with_entropy(lambda W, H, E, t: (W * E).sum() - H), "use the temperature"),
        (
            with_entropy(lambda W, H, E, t: (W * E).sum() - H / t),
            "the temperature multiplies the entropy",
        ),
        (
            with_entropy(lambda W, H, E, t: t * (W * E).sum() - H),
            "the temperature multiplies the entropy",
        ),
        (with_entropy(lambda W, H, E, t: (W * E).mean() - t * H), "sums over edges, not means"),
        (with_entropy(lambda W, H, E, t: (W * E).sum() - t * H / W.numel()), "one pair has it all"),
        (with_entropy(log=torch.log2), "ln, not log2"),
        (with_entropy(weights=over_teachers), "one graph sums to"),
        (with_entropy(weights=with_diagonal), "the diagonal is no edge: 0"),
        (lambda E, t: with_entropy()(E, t, 60), "differs from exp(-eps / tau)"),
        (nan_from_the_diagonal, "NaN: 0 ln 0 counts as 0, and so does its"),
        (lambda E, t: None, "it returned None: is a `return` missing?"),
    ],
    "check_better": [
        (unit_with(RIGHT_SCORE), "correct"),
        (unit_with(lambda u, t, s: torch.tanh(u.edge(torch.cat([t, s], -1)))), "correct"),
        (
            unit_with(edge(lambda t, s: (t, (t - s).relu()))),
            "the two ways round still weigh the same",
        ),
        (
            unit_with(edge(lambda t, s: (torch.tanh(t), torch.tanh(s)))),
            "the two ways round still weigh the same",
        ),
        (
            unit_with(edge(lambda t, s: (torch.tanh(t + s), s))),
            "the two ways round still weigh the same",
        ),
        (unit_with(edge(lambda t, s: (t * s, s))), "the two ways round still weigh the same"),
        (unit_with(edge(lambda t, s: (t - s, s))), "the two ways round still weigh the same"),
        (unit_with(RIGHT_SCORE, over_teachers), "weights must sum to one"),
        (unit_with(RIGHT_SCORE, with_diagonal), "NOT   zero diagonal: weights"),
        (unit_with(RIGHT_SCORE, hard_coded), "NOT   number of modalities: 2 modalities"),
        (unit_with(RIGHT_SCORE, loss=lambda W, E: (W * E).sum()), "NOT   loss: loss"),
        (unit_with(RIGHT_SCORE, loss=lambda W, E: (W * E).mean()), "NOT   loss: loss"),
        (
            unit_with(RIGHT_SCORE, loss=lambda W, E: E.sum((1, 2)).mean()),
            "no gradient reaches node or edge",
        ),
        (
            unit_with(RIGHT_SCORE, gap=lambda z: z[:, None] - z.detach()[:, :, None]),
            "NOT   gaps: discrepancy",
        ),
        (
            unit_with(RIGHT_SCORE, gap=lambda z: (z[:, :, None] - z.detach()[:, None]).abs()),
            "the teacher moves, too: detach it",
        ),
        (
            unit_with(RIGHT_SCORE, gap=lambda z: space("06")["gaps"](z.detach())),
            "no student learns: detach the teacher only",
        ),
        (unit_with(RIGHT_SCORE, out=lambda z, W, E, L: L), "NOT   interface"),
        (
            unit_with(RIGHT_SCORE, out=lambda z, W, E, L: (z, W.detach(), E, L.detach())),
            "the weights are detached: g cannot learn",
        ),
        (unit_with(RIGHT_SCORE, out=lambda *_: None), "NOT   interface"),
    ],
}
test_an_answer_is_told_what_it_is = told(
    [("06", check, *case) for check, cases in CASES.items() for case in cases]
)
