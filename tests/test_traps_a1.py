"""The tests of assignment A1 refuse plausible wrong answers, and accept right ones written
another way than the solution."""

import numpy as np
import torch
from torch import nn

import dmdlite
from tests.own_tests import accepts, refuses


def kept(scores, edges, k, dim=1, largest=True):
    open_ones = scores.masked_fill(~edges, -torch.inf if largest else torch.inf)
    index = open_ones.topk(min(k, scores.shape[1]), dim, largest).indices
    return torch.zeros_like(edges).scatter(dim, index, True)


def at_least_the_kth(scores, edges, k):
    open_ones = scores.masked_fill(~edges, -torch.inf)
    return (open_ones >= open_ones.topk(min(k, len(scores[0])), 1).values[:, -1:]) & edges


def sorted_columns(scores, edges, k):
    """Right, another way."""
    rank = scores.masked_fill(~edges, -torch.inf).argsort(dim=1, descending=True, stable=True)
    return (rank.argsort(dim=1) < k) & edges


def in_place(scores, edges, k):
    scores[~edges] = -torch.inf
    return kept(scores, edges, k) & edges


def weigher(weigh, base=dmdlite.GDUnit, checked=True):
    class TopKGDUnit(base):
        def __init__(self, feature_dim, num_modalities=3, k=1, **options):
            super().__init__(feature_dim, num_modalities, **options)
            if checked and k < 1:
                raise ValueError(k)
            self.k = k

        def weigh(self, scores, edges):
            return weigh(self, super().weigh, scores, edges)

    return TopKGDUnit


def after_softmax(unit, weigh, scores, edges):
    W = weigh(scores, edges)
    return W * (kept(scores, edges, unit.k) & edges)


def each_student(unit, weigh, scores, edges):
    W, part = weigh(scores, edges), after_softmax(unit, weigh, scores, edges)
    return part * (W.sum(1, keepdim=True) / part.sum(1, keepdim=True).clamp(min=1e-12))


def rescaled(unit, weigh, scores, edges):
    """Right, another way: after the softmax, then one sum."""
    part = after_softmax(unit, weigh, scores, edges)
    return part / part.sum((1, 2), keepdim=True).clamp(min=1e-12)


def in_training_only(unit, weigh, scores, edges):
    return rescaled(unit, weigh, scores, edges) if unit.training else weigh(scores, edges)


def without_options(kind):
    class TopKGDUnit(kind):
        def __init__(self, feature_dim, num_modalities=3, k=1, **options):
            super().__init__(feature_dim, num_modalities, k=k)

    return TopKGDUnit


def zeroed(weights, level=0.01):
    return float((weights.masked_fill_(weights <= level, 0) > 0).sum((1, 2)).float().mean())


def threshold(
    strength=None,
    straight=True,
    scaled=True,
    pay=None,
    start=-0.4,
    soften=lambda s, t: ((s - t) / 0.1).sigmoid(),
    there=lambda gate, edges: gate * edges,
    total=lambda w: w.sum((1, 2), keepdim=True),
):
    class ThresholdGDUnit(dmdlite.GDUnit):
        def __init__(self, feature_dim, num_modalities=3, price=0.0, **options):
            super().__init__(feature_dim, num_modalities, **options)
            self.price, self.theta = price, nn.Parameter(torch.tensor(start))

        def weigh(self, scores, edges):
            w = super().weigh(scores, edges)
            s = (w / w.amax((1, 2), keepdim=True).clamp(min=1e-12)).detach()
            s = strength(w) if strength else s
            t = (10 * self.theta).sigmoid()
            soft = soften(s, t)
            gate = (s >= t).float() + (soft - soft.detach() if straight else 0)
            gate = there(gate, edges)
            self.kept = pay(gate) if pay else gate.sum((1, 2)).mean()
            w = w * gate
            return w / total(w).clamp(min=1e-12) if scaled else w

        def forward(self, features, present=None):
            out = super().forward(features, present)
            return out._replace(loss=out.loss + self.price * self.kept)

    return ThresholdGDUnit


test_a_right_answer_written_another_way_is_accepted = accepts(
    "a1",
    [
        {"top_k_edges": sorted_columns},
        {"TopKGDUnit": weigher(rescaled)},
        {"ThresholdGDUnit": threshold()},
        {"edges_in_use": lambda W, level=0.01: np.mean([(w > level).sum() for w in W.numpy()])},
    ],
)

test_a_wrong_answer_is_refused = refuses(
    "a1",
    [
        {"TopKGDUnit": weigher(in_training_only)},
        {"TopKGDUnit": without_options(weigher(rescaled))},
        {"edges_in_use": zeroed},
        {"top_k_edges": kept},
        {"top_k_edges": at_least_the_kth},
        {"top_k_edges": in_place},
        {"top_k_edges": lambda s, e, k: kept(s, e, k, 2) & e},
        {"top_k_edges": lambda s, e, k: kept(s, e, k, largest=False) & e},
        {"top_k_edges": lambda s, e, k: kept(s, e, k + 1) & e},
        {"top_k_edges": lambda s, e, k: (kept(s, e, k) & e).float()},
        {"top_k_edges": lambda s, e, k: (kept(s, e, k) & e)[:1].expand_as(e)},
        {"top_k_edges": lambda s, e, k: kept(s, e, k) & e[:1]},
        {"top_k_edges": lambda s, e, k: None},
        {"TopKGDUnit": weigher(after_softmax)},
        {"TopKGDUnit": weigher(each_student)},
        {"TopKGDUnit": weigher(rescaled, checked=False)},
        {"TopKGDUnit": weigher(lambda u, w, s, e: w(s, kept(s, e, 1) & e))},
        {"TopKGDUnit": weigher(lambda u, w, s, e: w(s, kept(s, e, u.k, 2) & e))},
        {"TopKGDUnit": weigher(lambda u, w, s, e: w(s, kept(s, e, u.k) & e).detach())},
        {"ThresholdGDUnit": threshold(straight=False)},
        {"ThresholdGDUnit": threshold(scaled=False)},
        {"ThresholdGDUnit": threshold(strength=lambda w: w.detach())},
        {"ThresholdGDUnit": threshold(strength=lambda w: (w / w.amax()).detach())},
        {
            "ThresholdGDUnit": threshold(
                strength=lambda w: w / w.amax((1, 2), keepdim=True).clamp(min=1e-12)
            )
        },
        {"ThresholdGDUnit": threshold(soften=lambda s, t: (s - t).sigmoid())},
        {"ThresholdGDUnit": threshold(soften=lambda s, t: s - t)},
        {"ThresholdGDUnit": threshold(there=lambda gate, edges: gate)},
        {"ThresholdGDUnit": threshold(total=lambda w: w.sum((1, 2), keepdim=True).detach())},
        {"ThresholdGDUnit": threshold(start=0.0)},
        {"ThresholdGDUnit": threshold(pay=lambda gate: gate.sum())},
        {"ThresholdGDUnit": threshold(pay=lambda gate: gate.mean())},
        {"ThresholdGDUnit": threshold(pay=lambda gate: gate.detach().sum((1, 2)).mean())},
        {"ThresholdGDUnit": threshold(pay=lambda gate: -gate.sum((1, 2)).mean())},
        {"edges_in_use": lambda W, level=0.01: float((level < W).sum())},
        {"edges_in_use": lambda W, level=0.01: float((level < W).float().mean())},
        {"edges_in_use": lambda W, level=0.01: float((W > 0.01).sum((1, 2)).float().mean())},
        {"edges_in_use": lambda W, level=0.01: float((W > 0).sum((1, 2)).float().mean())},
        {"edges_in_use": lambda W, level=0.01: float((W.mean(0) > level).sum())},
        {"edges_in_use": lambda W, level=0.01: float((level <= W).sum((1, 2)).float().mean())},
        {"edges_in_use": lambda W, level=0.01: (level < W).sum((1, 2)).float()},
    ],
)
