"""GD-Units that are right, each written in another way. `Plain` is the base of the wrong ones."""

import itertools

import torch
import torch.nn.functional as F
from torch import nn


class Plain(nn.Module):
    """Every step of Eq. 7 to 9 in a method of its own, so that a fault can replace one."""

    def __init__(self, feature_dim, num_modalities=3, hidden_dim=8, normalize="graph", prior=None):
        super().__init__()
        self.normalize = normalize
        self.logit = nn.Linear(feature_dim, 1)
        self.node = nn.Linear(1 + feature_dim, hidden_dim)
        self.edge = nn.Linear(2 * hidden_dim, 1)
        self.prior = None if prior is None else prior / prior.sum()

    def read(self, x):
        return self.logit(x).squeeze(-1)

    def ends(self, x, z):
        return torch.cat([z[..., None], x], dim=-1).detach()

    def scores(self, ends):
        h, m = self.node(ends), ends.shape[1]
        teacher = h[:, :, None].expand(-1, -1, m, -1)
        student = h[:, None, :].expand(-1, m, -1, -1)
        return self.edge(torch.cat([teacher, student], dim=-1)).squeeze(-1)

    def edges(self, x, present):
        m = x.shape[1]
        edges = ~torch.eye(m, dtype=torch.bool).expand(len(x), -1, -1)
        return edges if present is None else edges & present[:, :, None] & present[:, None, :]

    def soften(self, s, edges):
        s = s.masked_fill(~edges, -1e30)
        w = s.softmax(1) if self.normalize == "target" else s.flatten(1).softmax(1).view_as(s)
        return w * edges

    def gap(self, z):
        return (z[:, None, :] - z.detach()[:, :, None]).abs()

    def mix(self, w, edges):
        if self.prior is None:
            return w, 0.0
        prior = self.prior * edges
        total = prior.sum((1, 2), keepdim=True)
        prior = torch.where(total > 0, prior / total.clamp(min=1e-12), w)
        return (w + prior) / 2, 10 * (w - prior).mean(0).square().sum()

    def total(self, w, eps):
        return (w * eps).sum((1, 2)).mean()

    def forward(self, x, present=None):
        z = self.read(x)
        edges = self.edges(x, present)
        w, pull = self.mix(self.soften(self.scores(self.ends(x, z)), edges), edges)
        eps = self.gap(z) * edges
        return z, w, eps, self.total(w, eps) + pull


class ByLoops(Plain):
    """Edge by edge, in Python loops."""

    def scores(self, ends):
        m = ends.shape[1]
        rows = []
        for i in range(m):
            row = [
                self.edge(torch.cat([self.node(ends[:, i]), self.node(ends[:, j])], -1))
                for j in range(m)
            ]
            rows.append(torch.cat(row, dim=-1))
        return torch.stack(rows, dim=1)


class SplitEdge(Plain):
    """A linear g is a teacher's part plus a student's part."""

    def scores(self, ends):
        teacher, student = self.edge.weight.chunk(2, dim=-1)
        h = self.node(ends)
        return (h @ teacher.T) + (h @ student.T).transpose(1, 2) + self.edge.bias


class ByEinsum(Plain):
    """Einstein sums throughout."""

    def read(self, x):
        return torch.einsum("bmf,of->bmo", x, self.logit.weight)[..., 0] + self.logit.bias

    def total(self, w, eps):
        return torch.einsum("bij,bij->", w, eps) / len(w)


class EdgeList(Plain):
    """The edges as a list of index pairs, scattered into the matrix at the end."""

    def soften(self, s, edges):
        if self.normalize == "target" or not edges.equal(self.edges(s, None)):
            return super().soften(s, edges)
        i, j = torch.tensor(list(itertools.permutations(range(s.shape[1]), 2))).T
        out = torch.zeros_like(s)
        out[:, i, j] = s[:, i, j].softmax(-1)
        return out


class ByExponentials(Plain):
    """exp, divided by its sum, the largest score taken off first."""

    def soften(self, s, edges):
        dim = 1 if self.normalize == "target" else (1, 2)
        top = s.masked_fill(~edges, -1e30).amax(dim, keepdim=True)
        e = torch.where(edges, (s - top).clamp(max=0).exp(), torch.zeros(()))
        return e / e.sum(dim, keepdim=True).clamp(min=1e-12)


class LogSoftmax(Plain):
    """exp of a log-softmax."""

    def soften(self, s, edges):
        s = torch.where(edges, s, torch.full_like(s, -1e30))
        if self.normalize == "target":
            return F.log_softmax(s, dim=1).exp() * edges
        return F.log_softmax(s.reshape(len(s), -1), dim=1).exp().reshape(s.shape) * edges


class MaximumMinusMinimum(Plain):
    """|a - b| as max - min, with the teacher detached in both."""

    def gap(self, z):
        student, teacher = torch.broadcast_tensors(z[:, None, :], z.detach()[:, :, None])
        return torch.maximum(student, teacher) - torch.minimum(student, teacher)


class Merged(Plain):
    """g as one linear layer over both ends, under another name."""

    def __init__(self, feature_dim, num_modalities=3, hidden_dim=8, normalize="graph", prior=None):
        super().__init__(feature_dim, num_modalities, hidden_dim, normalize, prior)
        del self.node, self.edge
        self.g = nn.Linear(2 * (1 + feature_dim), 1)

    def scores(self, ends):
        m = ends.shape[1]
        index = torch.cartesian_prod(torch.arange(m), torch.arange(m))  # [M M, 2]
        return self.g(ends[:, index].flatten(2)).view(-1, m, m)


class Parameters(Plain):
    """f as a bare parameter."""

    def __init__(self, feature_dim, num_modalities=3, hidden_dim=8, normalize="graph", prior=None):
        super().__init__(feature_dim, num_modalities, hidden_dim, normalize, prior)
        del self.logit
        self.theta = nn.Parameter(torch.randn(feature_dim) / feature_dim**0.5)

    def read(self, x):
        return x @ self.theta


class DoublePrecision(Plain):
    """The softmax in double precision."""

    def soften(self, s, edges):
        return super().soften(s.double(), edges).float()


class SampleBySample(Plain):
    """torch.func.vmap over the clips of a batch."""

    def scores(self, ends):
        def one(ends):
            h, m = self.node(ends), len(ends)
            both = torch.cat([h.repeat_interleave(m, 0), h.repeat(m, 1)], dim=-1)
            return self.edge(both).view(m, m)

        return torch.func.vmap(one)(ends)


class Nonlinear(Merged):
    """A g with a nonlinearity where both ends meet: not Eq. 8 to the letter, but a GD-Unit."""

    def scores(self, ends):
        return torch.tanh(super().scores(ends))


RIGHT = (
    Plain,
    ByLoops,
    SplitEdge,
    ByEinsum,
    EdgeList,
    ByExponentials,
    LogSoftmax,
    MaximumMinusMinimum,
    Merged,
    Parameters,
    DoublePrecision,
    SampleBySample,
    Nonlinear,
)
