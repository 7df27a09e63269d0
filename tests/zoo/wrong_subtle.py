"""Wrong GD-Units whose forward pass looks right, or is right where one usually looks."""

import torch
import torch.nn.functional as F
from torch import nn

from dmdlite.gd_unit import GDUnit, discrepancy

from .register import caught_by
from .right import Merged, Plain


@caught_by("loss moves students")
class TeacherOfDetachedFeatures(Plain):
    """f(x.detach()) for f(x).detach(): the teacher's side trains f, too."""

    def forward(self, x, present=None):
        self.teacher = self.logit(x.detach()).squeeze(-1)
        return super().forward(x, present)

    def gap(self, z):
        return (z[:, None, :] - self.teacher[:, :, None]).abs()


@caught_by("graph not bent")
class GraphTrainsF(Plain):
    """g reads f(x.detach()): weights and loss train f through the graph."""

    def ends(self, x, z):
        return torch.cat([self.logit(x.detach()), x.detach()], -1)


@caught_by("edge function learns")
class NodeDetached(Plain):
    """Detached after `node` instead of before."""

    def scores(self, ends):
        h, m = self.node(ends).detach(), ends.shape[1]
        teacher, student = h[:, :, None].expand(-1, -1, m, -1), h[:, None].expand(-1, m, -1, -1)
        return self.edge(torch.cat([teacher, student], -1)).squeeze(-1)


@caught_by("edge function learns")
class Ascends(Plain):
    """g's gradient has the wrong sign."""

    def total(self, w, eps):
        return super().total(2 * w.detach() - w, eps)


@caught_by("parameters registered")
class HiddenInAList(Merged):
    """A layer in a Python list is no parameter."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.layers = [nn.Linear(self.g.in_features, 8)]
        self.g = nn.Linear(8, 1)

    def scores(self, ends):
        m = ends.shape[1]
        i = torch.cartesian_prod(torch.arange(m), torch.arange(m))
        return self.g(torch.tanh(self.layers[0](ends[:, i].flatten(2)))).view(-1, m, m)


@caught_by("edge scores")
class TeacherTwice(Merged):
    def scores(self, ends):
        m = ends.shape[1]
        i = torch.cartesian_prod(torch.arange(m), torch.arange(m))[:, [0, 0]]
        return self.g(ends[:, i].flatten(2)).view(-1, m, m)


@caught_by("edge scores")
class ReadsLogitsOnly(Merged):
    def ends(self, x, z):
        return super().ends(0 * x, z)


@caught_by("edge scores")
class ReadsFeaturesOnly(Merged):
    def ends(self, x, z):
        return super().ends(x, 0 * z)


@caught_by("permutation")
class BiasAnEdge(Merged):
    """A learned bonus for every edge, zero at the start."""

    def __init__(self, feature_dim, num_modalities=3, **kwargs):
        super().__init__(feature_dim, num_modalities, **kwargs)
        self.bonus = nn.Parameter(torch.zeros(num_modalities, num_modalities))

    def scores(self, ends):
        return super().scores(ends) + self.bonus


@caught_by("logits")
class ReadsOneFeature(Merged):
    def read(self, x):
        return super().read(torch.cat([x[..., :1], 0 * x[..., 1:]], -1))


@caught_by("logits")
class SquashedLogit(Plain):
    def read(self, x):
        return super().read(x).sigmoid()

    def ends(self, x, z):
        return super().ends(x, super().read(x))


@caught_by("same twice")
class AnotherInEval(Plain):
    def total(self, w, eps):
        return super().total(w, eps) if self.training else eps.mean()


@caught_by("same twice")
class DropoutInEval(Plain):
    def scores(self, ends):
        return F.dropout(super().scores(ends), 0.5, training=not self.training)


@caught_by("own work")
class ImportedByName(Plain):
    def gap(self, z):
        return discrepancy(z)


@caught_by("own work")
class BorrowedMethod(Plain):
    soften = GDUnit.weigh


@caught_by("per target")
class TargetKeepsDiagonal(Plain):
    def soften(self, s, edges):
        return s.softmax(1) if self.normalize == "target" else super().soften(s, edges)


@caught_by("per target")
class TargetUniform(Plain):
    def soften(self, s, edges):
        if self.normalize == "target":
            return edges / edges.sum(1, keepdim=True).clamp(min=1)
        return super().soften(s, edges)


@caught_by("per target")
class TargetLossDivided(Plain):
    def total(self, w, eps):
        return super().total(w, eps) / (3 if self.normalize == "target" else 1)


@caught_by("prior")
class PullDetached(Plain):
    def mix(self, w, edges):
        return super().mix(w, edges)[0], super().mix(w.detach(), edges)[1]


@caught_by("prior")
class PriorIsTrained(Plain):
    def __init__(self, *args, prior=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.prior = None if prior is None else nn.Parameter(prior / prior.sum())


@caught_by("prior of those there")
class PriorAtMissing(Plain):
    def mix(self, w, edges):
        return super().mix(w, torch.ones_like(edges))


@caught_by("missing modality")
class PresenceFromZeros(Plain):
    """Takes features of zeros for a missing modality, and ignores `present`."""

    def forward(self, x, present=None):
        return super().forward(x, x.detach().abs().sum(-1) > 0)


@caught_by("softmax of those there")
class MissingUniform(Plain):
    def soften(self, s, edges):
        whole = (edges == self.edges(s, None)).all(2).all(1)[:, None, None]
        level = edges / edges.sum((1, 2), keepdim=True).clamp(min=1)
        return torch.where(whole, super().soften(s, edges), level)


@caught_by("missing modality")
class ChangesPresent(Plain):
    def forward(self, x, present=None):
        out = super().forward(x, present)
        if present is not None:
            present &= present.sum(1, keepdim=True) > 1
        return out
