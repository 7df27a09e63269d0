"""The tests of assignment A3 refuse plausible wrong answers, and accept right ones written
another way than the solution."""

import torch
import torch.nn.functional as F

import dmdlite
from tests.own_tests import accepts, refuses


def unit_gaps(detach="teacher", of=lambda c: 1 - c, scale=F.normalize):
    def cosine_gaps(features):
        x = scale(features, dim=-1)
        teacher = x.detach() if detach == "teacher" else x
        student = x.detach() if detach == "student" else x
        return of(teacher @ student.transpose(1, 2))

    return cosine_gaps


def length_detached(x, dim):
    return x / x.norm(dim=dim, keepdim=True).clamp(min=1e-4).detach()


def energy_map(energy=torch.square, mean=True, real=True, unit=True, masked=True, eps=1e-8):
    def attention_map(x, mask, bins=8):
        found = torch.zeros(len(x), bins)
        for b in range(len(x)):
            steps = x[b][mask[b]] if masked else x[b]
            n = len(steps) if real else mask.shape[1]
            for t, step in enumerate(steps):
                k = t * bins // n
                inside = sum(s * bins // n == k for s in range(len(steps)))
                found[b, k] += energy(step).sum() / (inside if mean else 1)
        return F.normalize(found, dim=1, eps=eps) if unit else found

    return attention_map


def map_gaps(detach="teacher", of=lambda d: d.square().sum(-1)):
    def attention_gaps(maps):
        teacher = maps.detach() if detach == "teacher" else maps
        student = maps.detach() if detach == "student" else maps
        return of(student[:, None, :] - teacher[:, :, None])

    return attention_gaps


def feature_unit(join):
    class FeatureGDUnit(dmdlite.GDUnit):
        def __init__(self, feature_dim, num_modalities=3, beta=1.0, **options):
            super().__init__(feature_dim, num_modalities, **options)
            self.beta = beta

        def gaps(self, features, logits):
            x = F.normalize(features, dim=-1, eps=1e-4)
            angle = (1 - x.detach() @ x.transpose(1, 2)).clamp(min=0)
            return join(super().gaps(features, logits), angle, self.beta)

    return FeatureGDUnit


test_a_right_answer_written_another_way_is_accepted = accepts(
    "a3",
    [
        {"cosine_gaps": unit_gaps(scale=lambda x, dim: F.normalize(x, dim=dim, eps=1e-4))},
        {"attention_map": energy_map()},
        {"attention_map": lambda x, m, bins=8: energy_map()(x, m, bins).double()},
        {"attention_gaps": map_gaps()},
        {"FeatureGDUnit": feature_unit(lambda gap, angle, beta: gap + beta * angle)},
    ],
)

test_a_wrong_answer_is_refused = refuses(
    "a3",
    [
        {"cosine_gaps": unit_gaps(scale=length_detached)},
        {"cosine_gaps": lambda x: 2 * unit_gaps()(x.detach()) - unit_gaps()(x)},
        {"attention_map": lambda x, m, bins=8: energy_map()(x, m, bins).detach() + 0 * x.sum()},
        {"FeatureGDUnit": feature_unit(lambda gap, angle, beta: gap.detach() + beta * angle)},
        {"FeatureGDUnit": feature_unit(lambda g, a, beta: g + beta * 3 / g.shape[1] * a)},
        {"cosine_gaps": unit_gaps(None)},
        {"cosine_gaps": unit_gaps("student")},
        {"cosine_gaps": unit_gaps(of=lambda c: c)},
        {"cosine_gaps": unit_gaps(of=lambda c: 1 - c.abs())},
        {"cosine_gaps": unit_gaps(of=lambda c: (1 - c).transpose(1, 2))},
        {"cosine_gaps": unit_gaps(scale=lambda x, dim: x)},
        {"cosine_gaps": unit_gaps(scale=lambda x, dim: F.normalize(x, dim=dim, eps=0.5))},
        {"cosine_gaps": unit_gaps(scale=lambda x, dim: x / x.norm(dim=-1, keepdim=True))},
        {"cosine_gaps": unit_gaps(scale=lambda x, dim: F.normalize(x, dim=1))},
        {"attention_map": energy_map(torch.abs)},
        {"attention_map": energy_map(mean=False)},
        {"attention_map": energy_map(eps=1e-4)},
        {"attention_map": energy_map(real=False)},
        {"attention_map": energy_map(unit=False)},
        {"attention_map": energy_map(masked=False)},
        {"attention_gaps": map_gaps(None)},
        {"attention_gaps": map_gaps("student")},
        {"attention_gaps": map_gaps(of=lambda d: d.square().mean(-1))},
        {"attention_gaps": map_gaps(of=lambda d: d.norm(dim=-1))},
        {"attention_gaps": map_gaps(of=lambda d: d.abs().sum(-1))},
        {"FeatureGDUnit": feature_unit(lambda gap, angle, beta: beta * angle)},
        {"FeatureGDUnit": feature_unit(lambda gap, angle, beta: gap + angle)},
        {"FeatureGDUnit": feature_unit(lambda gap, angle, beta: beta * (gap + angle))},
        {"FeatureGDUnit": feature_unit(lambda gap, angle, beta: gap * (1 + beta * angle))},
        {"FeatureGDUnit": feature_unit(lambda gap, angle, beta: gap + beta * angle.detach())},
    ],
)
