"""Wrong GD-Units: who learns, and what the options do."""

import torch

from .register import caught_by
from .right import Plain

# Who learns


@caught_by("students only")
class TeacherNotDetached(Plain):
    def gap(self, z):
        return (z[:, None, :] - z[:, :, None]).abs()


@caught_by("students only")
class StudentDetached(Plain):
    def gap(self, z):
        return (z.detach()[:, None, :] - z[:, :, None]).abs()


@caught_by("graph not bent")
class FeaturesBendTheGraph(Plain):
    def ends(self, x, z):
        return torch.cat([z[..., None].detach(), x], dim=-1)


@caught_by("graph not bent")
class LogitsBendTheGraph(Plain):
    def ends(self, x, z):
        return torch.cat([z[..., None], x.detach()], dim=-1)


@caught_by("edge function learns")
class WeightsDetachedInTheLoss(Plain):
    def total(self, w, eps):
        return super().total(w.detach(), eps)


@caught_by("edge function learns")
class EdgesNotTrained(Plain):
    def scores(self, ends):
        return super().scores(ends).detach()


@caught_by("loss moves students")
class LossWithoutStudents(Plain):
    """The right number with the students' gradient cut."""

    def total(self, w, eps):
        return super().total(w, eps.detach())


@caught_by("loss moves students")
class StraightThrough(Plain):
    """Right numbers, twice the gradient."""

    def total(self, w, eps):
        return super().total(w, 2 * eps - eps.detach())


# Options


@caught_by("per target")
class IgnoresNormalize(Plain):
    def soften(self, s, edges):
        self.normalize = "graph"
        return super().soften(s, edges)


@caught_by("per target")
class PerTeacher(Plain):
    def soften(self, s, edges):
        if self.normalize == "target":
            return s.masked_fill(~edges, -1e30).softmax(2) * edges
        return super().soften(s, edges)


@caught_by("prior")
class PriorIgnored(Plain):
    def mix(self, w, edges):
        return w, 0.0


@caught_by("prior")
class PriorReplacesTheGraph(Plain):
    def mix(self, w, edges):
        return (w, 0.0) if self.prior is None else (self.prior.expand_as(w), 0.0)


@caught_by("prior")
class PriorNotScaled(Plain):
    def __init__(self, *args, prior=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.given = prior

    def mix(self, w, edges):
        if self.given is None:
            return w, 0.0
        return (w + self.given) / 2, 10 * (w - self.given).mean(0).square().sum()


@caught_by("prior")
class PriorTransposed(Plain):
    def __init__(self, *args, prior=None, **kwargs):
        super().__init__(*args, prior=None if prior is None else prior.T, **kwargs)


@caught_by("prior")
class PriorWithoutPull(Plain):
    def mix(self, w, edges):
        return super().mix(w, edges)[0], 0.0


@caught_by("missing modality")
class PresenceIgnored(Plain):
    def edges(self, x, present):
        return super().edges(x, None)


@caught_by("missing modality")
class MissingNaN(Plain):
    """-inf everywhere where no edge is left."""

    def soften(self, s, edges):
        if self.normalize == "target":
            return super().soften(s, edges)
        return s.masked_fill(~edges, -torch.inf).flatten(1).softmax(1).view_as(s)


@caught_by("missing modality")
class MissingStillTeaches(Plain):
    """A missing modality learns nothing, but teaches on."""

    def edges(self, x, present):
        edges = super().edges(x, None)
        return edges if present is None else edges & present[:, None, :]


@caught_by("missing modality")
class MissingNotRenormalised(Plain):
    def soften(self, s, edges):
        return super().soften(s, self.edges(s, None)) * edges
