"""What the checks of chapters 1 to 8 say: to the traps that they warn of, to answers that
stop, and to right answers written another way than the solution."""

import numpy as np
import torch
import torch.nn.functional as F

import dmdlite
from tests.chapters import space, told


def pooled(batch, F, columns, padded):
    """Means of each modality: over real steps, or over all; scaled over those that have it."""
    rows = []
    for i, (m, x) in enumerate(batch.features.items()):
        mask, here = batch.masks[m][..., None], batch.present[:, i]
        mean = x.mean(1) if padded else (x * mask).sum(1) / mask.sum(1).clamp(min=1)
        mean = mean[:, columns]
        scaled = (mean - mean[here].mean(0)) / mean[here].std(0, correction=0)
        rows.append(scaled * here[:, None])
    return torch.stack(rows, 1)


def unit_features(pool):
    def features(batch, convs):
        pairs = [(convs[m](x, batch.masks[m]), batch.masks[m]) for m, x in batch.features.items()]
        return torch.stack([pool(x, mask) for x, mask in pairs], 1)

    return features


def gap_of(rows_of, mean_of):
    def mean_gap(r, batch, unit):
        ns = space("04")
        rows = rows_of(ns, r, batch)
        return float(mean_of(unit(torch.stack(rows, 1)).discrepancy))

    return mean_gap


def code_rows(ns, r, batch):
    E_com, codes = ns["dial"](r)[0].T, ns["shallow_code"](batch)
    return [ns["masked_mean"](codes[m] @ E_com, batch.masks[m]) for m in codes]


def other_basis(ns, r, batch):
    codes = ns["shallow_code"](batch)
    keep = (torch.arange(16) < r).float()
    return [ns["masked_mean"](codes[m] * keep, batch.masks[m]) for m in codes]


def off_diagonal(E):
    return E.sum() / (len(E) * 6)


def mean_r2(common, private):
    a = torch.cat([common, torch.ones(len(common), 1)], 1)
    left = private - a @ torch.linalg.lstsq(a, private).solution
    return float((1 - left.var(0) / private.var(0)).mean())


def direction(normalised, told):
    def direction_logits(unit, pooled, present):
        x = F.normalize(pooled, dim=-1) if normalised else pooled
        return unit(x, present).logits if told else unit(x).logits

    return direction_logits


def kept_over_the_batch(W, k):
    kept = torch.where(W.flatten().topk(min(k * 3 * len(W), W.numel())).values[-1] <= W, W, 0)
    return kept * (W.sum(1, keepdim=True) / kept.sum(1, keepdim=True).clamp(min=1e-12))


def first_clip_s_edges(W, k):
    index = W[:1].topk(k, dim=1).indices.expand(len(W), -1, -1)
    kept = torch.zeros_like(W).scatter_(1, index, W.gather(1, index))
    return kept * (W.sum(1, keepdim=True) / kept.sum(1, keepdim=True).clamp(min=1e-12))


def keeps_ties(W, k):
    kept = torch.where(W.topk(k, dim=1).values[:, -1:] <= W, W, 0)
    return kept * (W.sum(1, keepdim=True) / kept.sum(1, keepdim=True).clamp(min=1e-12))


def topped_up(W, k):
    """What the dropped edges weighed, in equal parts."""
    kept = W.scatter(1, W.topk(W.shape[1] - k, dim=1, largest=False).indices, 0.0)
    n = (kept > 0).sum(1, keepdim=True).clamp(min=1)
    lost = W.sum(1, keepdim=True) - kept.sum(1, keepdim=True)
    return torch.where(kept > 0, kept + lost / n, kept)


def by_sorting(W, k):
    """Right, another way: ranks along the teachers."""
    rank = W.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
    kept = W * (rank < k)
    return kept * (W.sum(1, keepdim=True) / kept.sum(1, keepdim=True).clamp(min=1e-12))


def unlike(change):
    """A unit whose scores are MyGDUnit's, changed by `change`(unit, z, features)."""

    class Unit(space("06")["MyGDUnit"]):
        def forward(self, features):
            ns = space("06")
            z = self.logit(features).squeeze(-1)
            scores, teacher = change(self, z, features)
            W = ns["softmax_over_edges"](scores)
            E = (z[:, None, :] - teacher[:, :, None]).abs()
            return z, W, E, (W * E).sum((1, 2)).mean()

    return Unit


def meeting(unit, ends):
    teacher, student = space("06")["pairs"](unit.node(ends)).chunk(2, dim=-1)
    return unit.edge(torch.cat([torch.tanh(teacher - student), student], -1)).squeeze(-1)


def ends_of(z, features):
    return torch.cat([z[..., None], features], -1)


def constant_edges(unit, z, features):
    ns = space("06")
    plain = unit.edge(ns["pairs"](unit.node(ends_of(z, features).detach()))).squeeze(-1)
    return plain + torch.tensor([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]]), z.detach()


def one_more_step(T, S, target_rate, source_rate, slack=0.0):
    target, source = torch.arange(T) / target_rate, torch.arange(S) / source_rate
    reach = (source <= target[:, None] + 1e-6).sum(1) + (slack > 0)
    return torch.arange(S) < reach[:, None]


def sharpness(scale, normalise=None):
    def sharpness_prior(weights, M):
        prior = torch.zeros(M, M)
        for (i, j), W in weights.items():
            entropy = -(W * W.clamp(min=1e-12).log()).sum(-1).mean()
            prior[i, j] = (1 - entropy / scale(W.shape[-1])).clamp(min=0)
        return prior / prior.sum(normalise)

    return sharpness_prior


def total(change):
    def total_with(output, batch, homo, hetero, epoch, warmup):
        terms = output.losses(batch)
        own = output.config.lambda_ddl * (terms["homo"] + terms["hetero"])
        pull = homo * terms["homo"] + hetero * terms["hetero"]
        return change(terms["total"] - own + min(1.0, epoch / warmup) * pull)

    return total_with


def distance_loss(scaled=True, margin="negative", cost=torch.relu, mean=torch.mean, sign=1):
    """Eq. 4 with a margin by distance, triplet by triplet, with a mistake if one is asked for."""

    def distance_margin_loss(common, labels, slope=0.15):
        chapter = space("05")
        flat = torch.nn.functional.normalize(common, dim=-1) if scaled else common
        costs = []
        for (a, i), (b, j), (c, k) in chapter["triplets"](
            chapter["sentiment_class"](labels).tolist(), common.shape[1]
        ):
            gap = labels[a] - labels[b if margin == "positive" else c]
            gap = gap if margin == "signed" else gap.abs()
            near = sign * (flat[a, i] @ flat[b, j] - flat[a, i] @ flat[c, k])
            costs.append(cost(slope * gap - near))
        return mean(torch.stack(costs)) if costs else common.sum() * 0

    return distance_margin_loss


def over_what_costs(costs):
    return costs[costs > 0].mean()


CASES = [  # chapter, check, answer, what is said of it
    ("01", "check_inputs", lambda b, F: pooled(b, F, slice(F), True), "padding"),
    (
        "01",
        "check_inputs",
        lambda b, F: pooled(b, F, slice(-F, None), False),
        "not the first four",
    ),
    ("01", "check_inputs", lambda b, F: pooled(b, F, slice(F), False), "correct"),
    ("03", "check_unit_features", unit_features(lambda x, mask: x.sum(1)), "sum over steps"),
    ("03", "check_unit_features", unit_features(lambda x, mask: x.mean(1)), "not the average"),
    ("04", "check_gap", gap_of(other_basis, off_diagonal), "r = 4: expected"),
    ("04", "check_gap", gap_of(code_rows, torch.mean), "not over M M entries"),
    ("04", "check_gap", lambda r, b, u: 0.1 * r, "r = 4: expected"),
    ("04", "check_gap", gap_of(code_rows, off_diagonal), "correct"),
    ("05", "check_redundancy", mean_r2, "not the mean over features"),
    ("05", "check_directions", direction(True, False), "who is present"),
    ("05", "check_directions", direction(False, True), "not of unit length"),
    ("05", "check_directions", direction(True, True), "correct"),
    ("05", "check_distance", lambda c, y: dmdlite.losses.margin_loss(c, y, 0.15), "same for all"),
    ("05", "check_distance", distance_loss(), "correct"),
    ("05", "check_distance", distance_loss(scaled=False), "cosines, not inner products"),
    ("05", "check_distance", distance_loss(margin="positive"), "from the anchor to the negative"),
    ("05", "check_distance", distance_loss(margin="signed"), "a distance has no sign"),
    ("05", "check_distance", distance_loss(cost=lambda x: x), "a cost below zero counts as zero"),
    ("05", "check_distance", distance_loss(mean=torch.sum), "a mean, not a sum"),
    ("05", "check_distance", distance_loss(mean=over_what_costs), "the mean over all"),
    ("05", "check_distance", distance_loss(sign=-1), "the positive is to be nearer"),
    (
        "05",
        "check_distance",
        lambda c, y, s=0.15: dmdlite.losses.margin_loss(c, y, s, by_distance=True),
        "correct",
    ),
    ("06", "check_top_k", kept_over_the_batch, "not yet"),
    ("06", "check_top_k", first_clip_s_edges, "each keeps the k heaviest edges of its own"),
    ("06", "check_top_k", keeps_ties, "of equal edges, too"),
    ("06", "check_top_k", topped_up, "the kept weights keep their ratios"),
    ("06", "check_top_k", by_sorting, "correct"),
    ("06", "check_better", unlike(constant_edges), "in another order"),
    (
        "06",
        "check_better",
        unlike(lambda u, z, x: (meeting(u, ends_of(z, x)), z.detach())),
        "bend the graph",
    ),
    (
        "06",
        "check_better",
        unlike(lambda u, z, x: (meeting(u, ends_of(z, x).detach()), z)),
        "the teacher moves",
    ),
    (
        "06",
        "check_better",
        unlike(lambda u, z, x: (meeting(u, ends_of(z, x).detach()), z.detach())),
        "correct",
    ),
    ("07", "check_seconds", one_more_step, "in seconds, not in steps"),
    ("07", "check_prior", sharpness(np.log2), "divide the entropy by ln S"),
    ("07", "check_prior", sharpness(lambda S: 1.0), "not yet"),
    ("07", "check_prior", sharpness(np.log, 0), "one sum divides"),
    ("07", "check_prior", lambda w, M: torch.full((M, M), 1 / M**2), "even weights have no"),
    ("07", "check_prior", lambda w, M: -torch.eye(M), "ConfigError: prior: weights must be"),
    ("08", "check_total", total(lambda t: t.detach()), "detached"),
    ("08", "check_total", total(float), "a tensor"),
    ("08", "check_total", total(lambda t: t), "correct"),
]
test_an_answer_is_told_what_it_is = told(CASES)
