"""The tests of assignment A2 refuse plausible wrong answers, and accept right ones written
another way than the solution."""

import numpy as np
import torch
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import KFold, cross_val_predict, cross_val_score

import dmdlite
from tests.own_tests import accepts, refuses


def kept(scores, edges, k, dim=1, largest=True):
    open_ones = scores.masked_fill(~edges, -torch.inf if largest else torch.inf)
    index = open_ones.topk(min(k, scores.shape[1]), dim, largest).indices
    return torch.zeros_like(edges).scatter(dim, index, True)


def entropy(w):
    return torch.special.entr(w).sum((1, 2))


def tempered(scores=lambda s, t: s / t, weights=lambda w, t: w, checked=lambda t: t > 0):
    class TemperedGDUnit(dmdlite.GDUnit):
        def __init__(self, feature_dim, num_modalities=3, temperature=1.0, **options):
            super().__init__(feature_dim, num_modalities, **options)
            if not checked(temperature):
                raise ValueError(temperature)
            self.temperature = temperature

        def edge_scores(self, features, logits):
            return scores(super().edge_scores(features, logits), self.temperature)

        def weigh(self, scores, edges):
            return weights(super().weigh(scores, edges), self.temperature)

    return TemperedGDUnit


def half(scaled=True, there=True, kept=True, twice=True):
    def learned_half(weights, prior, present=None):
        if prior is None:
            return weights
        prior = torch.as_tensor(prior, dtype=weights.dtype).expand_as(weights)
        if present is not None and there:
            prior = prior * (present[:, :, None] & present[:, None, :])
        total = prior.sum((1, 2), keepdim=True)
        share = prior / total.clamp(min=1e-12) if scaled else prior
        learned = 2 * weights - share if twice else weights - share / 2
        return torch.where(total > 0, learned, weights) if kept else learned

    return learned_half


def apart(of=lambda d: d.abs().sum() / 2, scaled=True):
    def distance(graph, prior):
        prior = torch.as_tensor(prior)
        return float(of(graph - (prior / prior.sum() if scaled else prior)))

    return distance


def prior(known=None, order=lambda a: a, even=1e-3, edges=None, read=torch.as_tensor):
    def prior_from_data(features, labels):
        y, r = torch.as_tensor(labels).numpy(), []
        for x in features:
            x, model = read(x).numpy(), RidgeCV([1e-2, 1, 1e2, 1e4])
            folds = KFold(5, shuffle=True, random_state=0)
            if known:
                r.append(known(model, x, y))
            else:
                guess = cross_val_predict(model, x, y, cv=folds)
                r.append(max(0.0, 1 - np.mean((y - guess) ** 2) / np.var(y)))
        r = torch.tensor(np.array(r), dtype=torch.float32)
        ahead = r[:, None] - r
        better = edges(r) if edges else order(ahead).clamp(min=0) + even
        better.fill_diagonal_(0)
        return better / better.sum()

    return prior_from_data


def in_sample(model, x, y):
    return max(0.0, model.fit(x, y).score(x, y))


def in_order(model, x, y):
    return max(0.0, cross_val_score(model, x, y, cv=KFold(5)).mean())


def ones_for_zeros(w):
    w[w == 0] = 1
    return (-(w * w.log()).sum((1, 2))).exp()


def half_in_place(w, p, here=None):
    found = half()(w, p, here)
    w.copy_(found)
    return found


def by_the_best_column(x, y):
    """Correlations on the clips that they were found on."""
    y = torch.as_tensor(y).float()
    r = [
        torch.corrcoef(torch.cat([y[None], torch.as_tensor(part).float().T]))[0, 1:].abs().max()
        for part in x
    ]
    r = torch.stack(r).nan_to_num()
    better = (r[:, None] - r).clamp(min=0) + 1e-3
    better.fill_diagonal_(0)
    return better / better.sum()


def centred_in_place(x, y):
    for part in x:
        part -= part.mean(0)
    return prior()(x, y)


test_a_right_answer_written_another_way_is_accepted = accepts(
    "a2",
    [
        {"edges_used": lambda w: entropy(w.double()).exp()},
        {"edges_used": lambda w: entropy(w).exp().numpy()},
        {"TemperedGDUnit": tempered()},
        {"learned_half": half(), "apart": apart()},
        {"learned_half": lambda w, p, here=None: half()(w.double(), p, here), "apart": apart()},
        {"prior_from_data": prior()},
        {"prior_from_data": prior(edges=lambda r: (r[:, None] - r).exp())},
        {"prior_from_data": prior(edges=lambda r: (4 * (r[:, None] - r)).sigmoid())},
        {"prior_from_data": prior(even=1.0)},
        {"prior_from_data": prior(edges=lambda r: 3 + r[:, None] - r)},
    ],
)

test_a_wrong_answer_is_refused = refuses(
    "a2",
    [
        {"edges_used": ones_for_zeros},
        {"learned_half": half_in_place, "apart": apart()},
        {"prior_from_data": lambda x, y: prior()([part[:, :1] for part in x], y)},
        {"prior_from_data": prior(edges=lambda r: (1 - r).expand(len(r), -1))},
        {"prior_from_data": by_the_best_column},
        {"prior_from_data": centred_in_place},
        {"edges_used": entropy},
        {"edges_used": lambda w: 1 / w.square().sum((1, 2))},
        {"edges_used": lambda w: (entropy(w) / np.log(2)).exp()},
        {"edges_used": lambda w: (-(w * w.log()).sum((1, 2))).exp()},
        {"edges_used": lambda w: (-(w * (w + 1e-3).log()).sum((1, 2))).exp()},
        {"edges_used": lambda w: entropy(w).exp().mean()},
        {"edges_used": lambda w: entropy(w).mean().exp().expand(len(w))},
        {"edges_used": lambda w: torch.special.entr(w).sum(1).exp().sum(1)},
        {"TemperedGDUnit": tempered(lambda s, t: s * t)},
        {"TemperedGDUnit": tempered(lambda s, t: s, lambda w, t: w / t)},
        {"TemperedGDUnit": tempered(lambda s, t: s.detach() / t)},
        {"TemperedGDUnit": tempered(lambda s, t: s / 4.0)},
        {"TemperedGDUnit": tempered(checked=lambda t: True)},
        {"TemperedGDUnit": tempered(checked=lambda t: not t <= 0)},
        {"TemperedGDUnit": tempered(checked=lambda t: t >= 0)},
        {"TemperedGDUnit": tempered(checked=lambda t: isinstance(t, float) and t > 0)},
        {"learned_half": half(scaled=False)},
        {"learned_half": half(there=False)},
        {"learned_half": half(kept=False)},
        {"learned_half": half(twice=False)},
        {"learned_half": lambda w, p, here=None: 2 * w},
        {"apart": apart(lambda d: d.abs().sum())},
        {"apart": apart(lambda d: d.square().sum() / 2)},
        {"apart": apart(lambda d: d.abs().max())},
        {"apart": apart(lambda d: d.abs().mean())},
        {"apart": apart(scaled=False)},
        {"prior_from_data": prior(in_sample)},
        {"prior_from_data": prior(in_order, even=1.0)},
        {"prior_from_data": prior(read=lambda x: x.float())},
        {"prior_from_data": prior(in_order)},
        {"prior_from_data": prior(order=lambda a: a.T)},
        {"prior_from_data": prior(order=torch.abs)},
        {"prior_from_data": prior(even=0)},
        {"prior_from_data": prior(edges=lambda r: (r[:, None] + 0.01).expand(-1, len(r)).clone())},
    ],
)
