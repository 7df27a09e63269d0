"""What the checks of chapter 8 say: to wrong answers beside those of `test_traps_build`, and to
right answers written another way than the solution."""

import numpy as np
import torch

from tests.chapters import told


def attention(scale=lambda Q, V: Q.shape[-1] ** 0.5, dim=-1, before=None, after=None):
    """Masked attention with one step exchanged; zeros for a clip without a source step."""

    def attend(Q, K, V, mask):
        scores = Q @ K.transpose(1, 2) / scale(Q, V)
        scores = before(scores, mask) if before else scores.masked_fill(~mask[:, None], -1e9)
        W = scores.softmax(dim)
        W = after(W, mask) if after else W
        return (W @ V) * mask.any(1)[:, None, None]

    return attend


def gates(squash=torch.sigmoid, of=None, order=None, mean=None, M_of=None):
    """Mean gates with one step exchanged."""

    def modality_gates(fusion, pooled, memory):
        M = M_of or pooled.shape[1]
        index = order or (lambda m: (m, M + m))
        columns = []
        for m in range(M):
            vectors = pooled[:, m], memory[:, m]
            found = [squash(fusion.gates[k](v)) for k, v in zip(index(m), vectors, strict=True)]
            if of:
                found = [of(g, v) for g, v in zip(found, vectors, strict=True)]
            columns.append((mean or (lambda g: torch.cat(g, 1).mean(1)))(found))
        return torch.stack(columns, 1)

    return modality_gates


def weighed(fusion, pooled, memory):
    """Right, another way: sums over widths, in float64, in NumPy."""
    M, table = pooled.shape[1], []
    for m in range(M):
        first = fusion.gates[m](pooled[:, m]).sigmoid().double().sum(1)
        second = fusion.gates[M + m](memory[:, m]).sigmoid().double().sum(1)
        table.append((first + second) / (pooled.shape[2] + memory.shape[2]))
    return torch.stack(table).T.detach().numpy()


def counted(
    attention=4,
    bias=4,
    feed=8,
    feed_bias=5,
    norms=4,
    last=2,
    wide=lambda M: M - 1,
    pairs=lambda M: M * (M - 1),
):
    """The reinforcement's parameters by a formula, a part of it exchanged."""

    def reinforcement_parameters(M, d, layers):
        def transformer(w):
            layer = (attention + feed) * w * w + (bias + feed_bias + norms) * w
            return layers * layer + last * w

        return pairs(M) * transformer(d) + M * transformer(wide(M) * d)

    return reinforcement_parameters


def by_building(M, d, layers):
    """Right, another way: PyTorch's own layers, built and counted."""

    def transformer(w):
        block = torch.nn.TransformerEncoderLayer(w, 1, 4 * w)
        return layers * sum(p.numel() for p in block.parameters()) + 2 * w

    return sum(transformer(d) for _ in range(M * (M - 1))) + M * transformer((M - 1) * d)


def warm(factor=lambda e, w: min(1.0, e / w), pull=None, own=None, whole=False):
    """A total with a warm-up, with one step exchanged."""

    def total_with(output, batch, homo, hetero, epoch, warmup):
        terms, c = output.losses(batch), output.config
        f = factor(epoch, warmup)
        terms_own = own(c, terms) if own else c.lambda_ddl * (terms["homo"] + terms["hetero"])
        new = (
            pull(terms, homo, hetero, f, c)
            if pull
            else f * (homo * terms["homo"] + hetero * terms["hetero"])
        )
        total = terms["total"] - terms_own
        return f * total + new if whole else total + new

    return total_with


def from_parts(output, batch, homo, hetero, epoch, warmup):
    """Right, another way: from the parts, in float64."""
    terms, c = output.losses(batch), output.config
    f = np.clip(epoch / warmup, 0, 1)
    terms = {name: t.double() for name, t in terms.items()}
    soft = terms["rec"] + terms["cyc"] + c.gamma * (terms["mar"] + terms["ort"])
    pull = homo * terms["homo"] + hetero * terms["hetero"]
    return terms["task"] + c.lambda_dec * soft + f * pull


def ends_early(e, w):
    return min(1.0, e / max(w - 1, 1))


CASES = {  # check -> (answer, what is said of it)
    "check_gates": [
        (gates(), "correct"),
        (weighed, "correct"),
        (gates(squash=lambda x: x), "a gate is a sigmoid"),
        (gates(squash=torch.tanh), "the mean over its 4 + 8 gates"),
        (gates(squash=lambda x: x.softmax(-1)), "the mean over its 4 + 8 gates"),
        (gates(of=lambda g, v: g * v), "the gates, not the gated features"),
        (gates(order=lambda m: (2 * m, 2 * m + 1)), "it stops with RuntimeError"),
        (gates(order=lambda m: (1 - m, 3 - m)), "the mean over its 4 + 8 gates"),
        (gates(mean=lambda g: torch.cat(g, 1).sum(1)), "a mean, not a sum"),
        (gates(mean=lambda g: g[0].mean(1)), "the reinforced vector counts, too"),
        (gates(mean=lambda g: torch.cat(g, 1).mean().expand(5)), "a mean for each clip"),
        (gates(mean=lambda g: g[0].mean(1) + g[1].mean(1)), "one mean over d + w gates"),
        (gates(M_of=3), "it stops with IndexError"),
        (lambda *a: gates()(*a).T, "expected shape [5, 2]"),
        (lambda *a: gates()(*a).mean(0), "expected shape [5, 2]"),
        (lambda *a: None, "it returned None: is a `return` missing?"),
    ],
    "check_parameters": [
        (counted(), "correct"),
        (by_building, "correct"),
        (lambda *a: float(counted()(*a)), "correct"),
        (lambda *a: np.int64(counted()(*a)), "correct"),
        (counted(last=0), "each transformer has one more LayerNorm, after its layers"),
        (counted(last=1, norms=2), "a LayerNorm has a weight and a bias"),
        (counted(norms=0, last=0), "LayerNorms: two a layer, one at the end"),
        (counted(norms=2), "a layer has two LayerNorms, weight and bias each"),
        (counted(bias=0), "a layer has four biases and two LayerNorms"),
        (counted(feed_bias=0), "the feed-forward block has biases: 4 w and w"),
        (counted(bias=0, feed_bias=0), "the attention and the feed-forward have biases"),
        (counted(bias=0, feed_bias=0, norms=0, last=0), "M=3, d=8, layers=3: 45408"),
        (counted(attention=3, bias=3), "M=3, d=8, layers=3: 45408"),
        (counted(feed=4), "M=3, d=8, layers=3: 45408"),
        (counted(feed=0, feed_bias=0), "M=3, d=8, layers=3: 45408"),
        (counted(wide=lambda M: M), "M=3, d=8, layers=3: 45408"),
        (counted(wide=lambda M: 1), "M transformers are (M - 1) d wide"),
        (counted(wide=lambda M: 2), "M=2, d=8, layers=1: 3552"),
        (counted(pairs=lambda M: M * M), "no modality reads itself: M (M - 1), not M M"),
        (counted(pairs=lambda M: M * (M - 1) // 2), "each direction has its transformer"),
        (counted(pairs=lambda M: 6), "M=2, d=8, layers=1: 3552"),
        (lambda M, d, layers: counted()(M, d, 1), "every layer counts"),
        (
            lambda M, d, layers: layers * counted()(M, d, 1),
            "the last LayerNorm is not in each layer",
        ),
        (lambda M, d, layers: None, "it returned None: is a `return` missing?"),
    ],
    "check_total": [
        (warm(), "correct"),
        (from_parts, "correct"),
        (warm(lambda e, w: min(1.0, (e + 1) / w)), "in epoch 0 it weighs nothing"),
        (warm(lambda e, w: min(1.0, e // w)), "the weight rises a little every epoch"),
        (warm(lambda e, w: float(e >= w)), "the weight rises a little every epoch"),
        (warm(lambda e, w: 1.0), "the weight rises from 0"),
        (warm(lambda e, w: max(0.0, 1 - e / w)), "it rises, it does not fall"),
        (warm(ends_early), "it is whole in epoch `warmup`"),
        (warm(whole=True), "the other losses need no warm-up"),
        (
            warm(pull=lambda t, a, b, f, c: f * (b * t["homo"] + a * t["hetero"])),
            "homo is HomoGD's, hetero HeteroGD's",
        ),
        (
            warm(pull=lambda t, a, b, f, c: f * a * t["homo"] + b * t["hetero"]),
            "both weights warm up",
        ),
        (
            warm(pull=lambda t, a, b, f, c: f * (a + b) * (t["homo"] + t["hetero"])),
            "each unit has its own weight",
        ),
        (
            warm(pull=lambda t, a, b, f, c: f * c.lambda_ddl * (a * t["homo"] + b * t["hetero"])),
            "homo and hetero replace lambda_ddl",
        ),
        (
            warm(own=lambda c, t: 0.05 * (t["homo"] + t["hetero"])),
            "take the model's own distillation out",
        ),
        (warm(own=lambda c, t: t["homo"] + t["hetero"]), "take the model's own distillation out"),
        (warm(own=lambda c, t: t["total"]), "the other losses stay in the total"),
        (warm(own=lambda c, t: 0), "take the model's own distillation out"),
        (lambda *a: None, "a tensor"),
        (lambda *a: warm()(*a).detach().numpy(), "a tensor"),
        (lambda *a: {"total": warm()(*a)}, "a tensor"),
    ],
}
test_an_answer_is_told_what_it_is = told(
    [("08", check, *case) for check, cases in CASES.items() for case in cases]
)
