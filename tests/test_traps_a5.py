"""The tests of assignment A5 refuse units that break a rule, and accept right ones written another
way than the solution."""

import torch
from torch import nn

import dmdlite
from tests.own_tests import accepts, refuses


def ends_of(features, logits):
    return torch.cat([logits[..., None], features], -1).detach()


def pairs(sent, learned):
    return sent[:, :, None] + learned[:, None]


class Bilinear(dmdlite.GDUnit):
    """Queries and keys."""

    def __init__(self, feature_dim, num_modalities=3, width=8, **options):
        super().__init__(feature_dim, num_modalities, **options)
        self.query = nn.Linear(feature_dim + 1, width)
        self.key = nn.Linear(feature_dim + 1, width)

    def edge_scores(self, features, logits):
        ends = ends_of(features, logits)
        return self.query(ends) @ self.key(ends).transpose(1, 2) / 3


class OverBoth(dmdlite.GDUnit):
    """A small network over both ends."""

    def __init__(self, feature_dim, num_modalities=3, width=20, kept=True, **options):
        super().__init__(feature_dim, num_modalities, **options)
        layers = [nn.Linear(feature_dim + 1, width) for _ in range(2)]
        self.sides = nn.ModuleList(layers) if kept else layers
        self.out = nn.Linear(width, 1)

    def ends(self, features, logits):
        return ends_of(features, logits)

    def edge_scores(self, features, logits):
        sent, learned = (side(self.ends(features, logits)) for side in self.sides)
        return self.out(torch.relu(pairs(sent, learned))).squeeze(-1)


class Unregistered(OverBoth):
    """Its layers lie in a plain list: no budget sees them, no optimiser trains them."""

    def __init__(self, *args, **options):
        super().__init__(*args, width=160, kept=False, **options)


class TooLarge(OverBoth):
    def __init__(self, *args, **options):
        super().__init__(*args, width=300, **options)


class Undetached(OverBoth):
    def ends(self, features, logits):
        return torch.cat([logits[..., None], features], -1)


class OneEnd(OverBoth):
    """A nonlinearity before the ends meet: it cancels around a cycle."""

    def edge_scores(self, features, logits):
        ends = ends_of(features, logits)
        return self.out(pairs(*(torch.relu(side(ends)) for side in self.sides))).squeeze(-1)


class Constant(OverBoth):
    """Unequal weights, the same for every clip."""

    def ends(self, features, logits):
        return ends_of(features, logits) * 0 + 1


class Gap(dmdlite.GDUnit):
    """The gap, which is the same in both directions."""

    def edge_scores(self, features, logits):
        z = logits.detach()
        return super().edge_scores(features, logits) - (z[:, :, None] - z[:, None]).abs()


class DeepF(OverBoth):
    def __init__(self, feature_dim, *args, **options):
        super().__init__(feature_dim, *args, **options)
        layers = nn.Linear(feature_dim, 8), nn.Tanh(), nn.Linear(8, 1)
        self.logit = nn.Sequential(*layers)


NAME = {"leaderboard_name": "a name"}
test_a_right_answer_written_another_way_is_accepted = accepts(
    "a5", [{"MyGDUnit": unit, **NAME} for unit in (Bilinear, OverBoth)]
)
test_a_wrong_answer_is_refused = refuses(
    "a5",
    [
        {"MyGDUnit": unit, **NAME}
        for unit in (
            dmdlite.GDUnit,
            Unregistered,
            TooLarge,
            Undetached,
            OneEnd,
            Constant,
            Gap,
            DeepF,
        )
    ],
)
