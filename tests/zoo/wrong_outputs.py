"""Wrong GD-Units: what they return, whose code they use, logits, batches."""

import torch
from torch import nn

import dmdlite

from .register import caught_by
from .right import Plain

# What comes back


@caught_by("interface")
class NotWritten(Plain):
    def forward(self, x, present=None):
        raise NotImplementedError


@caught_by("interface")
class LossOnly(Plain):
    def forward(self, x, present=None):
        return super().forward(x, present)[3]


@caught_by("interface")
class FiveThings(Plain):
    def forward(self, x, present=None):
        return *super().forward(x, present), x


@caught_by("interface")
class LossAsFloat(Plain):
    def forward(self, x, present=None):
        z, w, eps, loss = super().forward(x, present)
        return z, w, eps, float(loss.detach())


@caught_by("interface")
class NotAModule:
    def __init__(self, feature_dim, num_modalities=3):
        pass


@caught_by("shape")
class KeepsTheLastAxis(Plain):
    def forward(self, x, present=None):
        z, *rest = super().forward(x, present)
        return z[..., None], *rest


@caught_by("shape")
class LossPerClip(Plain):
    def total(self, w, eps):
        return (w * eps).sum((1, 2))


@caught_by("shape")
class BatchAndModalityMixed(Plain):
    """[M, B] for [B, M]."""

    def forward(self, x, present=None):
        z, *rest = super().forward(x, present)
        return z.T, *rest


@caught_by("shape")
class OneGraphForTheBatch(Plain):
    def soften(self, s, edges):
        return super().soften(s, edges).mean(0)


# Other people's work


@caught_by("own work")
class Inherits(dmdlite.GDUnit):
    pass


@caught_by("own work")
class Wraps(nn.Module):
    def __init__(self, feature_dim, num_modalities=3, normalize="graph", prior=None):
        super().__init__()
        self.unit = dmdlite.GDUnit(feature_dim, num_modalities, 8, normalize, prior)

    def forward(self, x, present=None):
        return tuple(self.unit(x, present))


@caught_by("own work")
class PeeksAtASoftmax(Plain):
    """Borrows one method of the reference."""

    def soften(self, s, edges):
        return dmdlite.GDUnit.weigh(self, s, edges)


@caught_by("own work")
class PeeksAtAGap(Plain):
    def gap(self, z):
        from dmdlite import gd_unit

        return gd_unit.discrepancy(z)


# Side effects and chance


@caught_by("input untouched")
class CentresInPlace(Plain):
    def read(self, x):
        x -= x.mean()
        return super().read(x)


@caught_by("same twice")
class DropsEdges(Plain):
    def scores(self, ends):
        return nn.functional.dropout(super().scores(ends), 0.5)


@caught_by("same twice")
class RemembersTheLastCall(Plain):
    last = 0.0

    def read(self, x):
        z = super().read(x) + self.last
        self.last = z.detach().mean()
        return z


@caught_by("finite")
class BareExponential(Plain):
    """exp without taking off the largest score: overflows."""

    def soften(self, s, edges):
        e = s.exp() * edges
        return e / e.sum((1, 2), keepdim=True)


# Logits


@caught_by("logits")
class ConstantAnswer(Plain):
    def read(self, x):
        return self.logit.bias * torch.arange(1.0, x.shape[1] + 1).expand(len(x), -1)


@caught_by("logits")
class AnFForEachModality(Plain):
    def read(self, x):
        return super().read(x) * torch.arange(1, x.shape[1] + 1)


@caught_by("logits")
class ReadsAllModalities(Plain):
    def read(self, x):
        return super().read(x + 0.5 * x.mean(1, keepdim=True))


@caught_by("logits")
class ViewForTranspose(Plain):
    """[B, M, F] viewed as [M, B, F]: samples and modalities are shuffled."""

    def read(self, x):
        b, m, f = x.shape
        return super().read(x.view(m, b, f).transpose(0, 1))


@caught_by("logits learn")
class DetachedLogits(Plain):
    def forward(self, x, present=None):
        z, *rest = super().forward(x, present)
        return z.detach(), *rest


# Batches


@caught_by("samples apart")
class SoftmaxOverTheBatch(Plain):
    def soften(self, s, edges):
        return s.masked_fill(~edges, -1e30).softmax(0) * edges


@caught_by("samples apart")
class SoftmaxOverEverything(Plain):
    def soften(self, s, edges):
        return s.masked_fill(~edges, -1e30).flatten().softmax(0).view_as(s)


@caught_by("samples apart")
class MeanLogitOfTheBatchTeaches(Plain):
    def gap(self, z):
        return (z[:, None, :] - z.detach().mean(0)[:, None]).abs()


@caught_by("samples apart")
class NormalisesOverTheBatch(Plain):
    def ends(self, x, z):
        ends = super().ends(x, z)
        return ends - ends.mean(0)
