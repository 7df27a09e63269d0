"""Wrong GD-Units: weights, gaps, loss, the number and order of modalities."""

import torch

from .register import caught_by
from .right import Plain

# Weights


@caught_by("zero diagonal")
class DiagonalKept(Plain):
    def soften(self, s, edges):
        return s.flatten(1).softmax(1).view_as(s)


@caught_by("normalisation")
class DiagonalCutAfterwards(Plain):
    def soften(self, s, edges):
        return s.flatten(1).softmax(1).view_as(s) * edges


@caught_by("zero diagonal")
class DiagonalAlmostZero(Plain):
    def soften(self, s, edges):
        return s.masked_fill(~edges, -5.0).flatten(1).softmax(1).view_as(s)


@caught_by("normalisation")
class SoftmaxOverTeachers(Plain):
    def soften(self, s, edges):
        return s.masked_fill(~edges, -1e30).softmax(1) * edges


@caught_by("normalisation")
class SoftmaxOverStudents(Plain):
    def soften(self, s, edges):
        return s.masked_fill(~edges, -1e30).softmax(2) * edges


@caught_by("normalisation")
class Sigmoid(Plain):
    def soften(self, s, edges):
        return s.sigmoid() * edges


@caught_by("normalisation")
class NegativeWeights(Plain):
    def soften(self, s, edges):
        s = s * edges
        return s / s.sum((1, 2), keepdim=True)


@caught_by("edge scores")
class TransposedWeights(Plain):
    def soften(self, s, edges):
        return super().soften(s, edges).transpose(1, 2)


@caught_by("edge scores")
class StudentFirst(Plain):
    """The edge's two ends in the wrong order."""

    def scores(self, ends):
        return super().scores(ends).transpose(1, 2)


@caught_by("edge scores")
class TeacherOnly(Plain):
    def scores(self, ends):
        h = self.node(ends)[:, :, None].expand(-1, -1, ends.shape[1], -1)
        return self.edge(torch.cat([h, h], dim=-1)).squeeze(-1)


@caught_by("edge scores")
class EndsWithoutLogits(Plain):
    def ends(self, x, z):
        return super().ends(x, 0 * z)


@caught_by("edge scores")
class UniformWeights(Plain):
    def scores(self, ends):
        return 0 * super().scores(ends)


@caught_by("edge scores")
class ReadsTheWholeGraph(Plain):
    """An edge's score changes with modalities at neither end."""

    def ends(self, x, z):
        ends = super().ends(x, z)
        return ends * ends.mean((1, 2), keepdim=True)


@caught_by("edge scores")
class WrongTemperature(Plain):
    def scores(self, ends):
        return super().scores(ends) / 8


# Gaps and loss


@caught_by("gaps")
class SignedGap(Plain):
    def gap(self, z):
        return z[:, None, :] - z.detach()[:, :, None]


@caught_by("gaps")
class SquaredGap(Plain):
    def gap(self, z):
        return (z[:, None, :] - z.detach()[:, :, None]).square()


@caught_by("gaps")
class GapTimesWeight(Plain):
    """The discrepancy comes back weighted."""

    def forward(self, x, present=None):
        z, w, eps, loss = super().forward(x, present)
        return z, w, w * eps, loss


@caught_by("loss")
class MeanInsteadOfSum(Plain):
    def total(self, w, eps):
        return (w * eps).mean()


@caught_by("loss")
class SumOverTheBatch(Plain):
    def total(self, w, eps):
        return (w * eps).sum()


@caught_by("loss")
class WeightsForgotten(Plain):
    def total(self, w, eps):
        return eps.sum((1, 2)).mean()


@caught_by("loss")
class MatrixProduct(Plain):
    def total(self, w, eps):
        return (w @ eps).sum((1, 2)).mean()


# Number and order of modalities


@caught_by("number of modalities")
class ThreeHardCoded(Plain):
    def edges(self, x, present):
        return (~torch.eye(3, dtype=torch.bool)).expand(len(x), -1, -1)


@caught_by("number of modalities")
class FirstThreeOnly(Plain):
    """Four modalities go in, and the fourth is never weighed."""

    def total(self, w, eps):
        return (w * eps)[:, :3, :3].sum((1, 2)).mean()


@caught_by("number of modalities")
class DividesBySix(Plain):
    def soften(self, s, edges):
        return super().soften(s, edges) * 6 / edges.sum((1, 2), keepdim=True)


@caught_by("permutation")
class LanguageTeachesBest(Plain):
    """A fixed bonus for the edges out of the first modality."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.g, self.node = self.node, None  # not Eq. 8 to the letter

    def scores(self, ends):
        self.node = self.g
        s = super().scores(ends)
        self.node = None
        return s + 0.5 * (torch.arange(ends.shape[1]) == 0)[:, None]
