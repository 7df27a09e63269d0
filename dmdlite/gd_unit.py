"""The graph distillation unit (Sec. 3.2, Eq. 7-9, Chapter 6).

Axes: B batch, M modalities (the graph's vertices), F feature width. Matrices over edges are
[B, M, M], row = from (teacher), column = to (student), zero diagonal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .errors import ConfigError

PRIOR_STRENGTH = 10.0  # weight of the prior's regulariser in the released code


class GDOutput(NamedTuple):
    """What a GD-Unit computes."""

    logits: Tensor  # [B, M]     f(X_m), each modality's own prediction
    weights: Tensor  # [B, M, M]  W, w_{i->j}
    discrepancy: Tensor  # [B, M, M]  E, eps_{i->j}
    loss: Tensor  # scalar     L_ddl, mean over the batch (+ the prior's regulariser)


def discrepancy(logits: Tensor, stop_gradient: bool = True) -> Tensor:
    """E: |f(X_j) - f(X_i)| from teacher i, detached, to student j. [B, M] -> [B, M, M] (Eq. 7)."""
    teacher = logits.detach() if stop_gradient else logits
    teacher, student = teacher[:, :, None], logits[:, None, :]
    return (student - teacher).abs()  # [B, M, M]


class GDUnit(nn.Module):
    """Distils knowledge between M modalities along learned edges.

    feature_dim     F, width of a modality's feature vector
    num_modalities  M, two or more
    hidden_dim      width in which an edge compares its two ends
    normalize       softmax of W over all edges ("graph") or over each student's ("target")
    prior           optional [M, M] edge prior, not negative; scaled to sum to one where W does.
                    It makes up half of every weight, and a regulariser pulls the learned half
                    towards it, as in the released code (there for three modalities only)
    scale           edge scores are multiplied by it before the softmax; 0: all edges weigh alike
    stop_gradient   False: a teacher's logit is pulled towards its student's, too

    Two stop-gradients decide who learns. eps_{i->j} sees its teacher i detached, so only the
    student moves. The edge function g reads features and logits detached, so that features
    cannot lower the loss by bending the graph: g alone learns the weights.

    To extend the unit, override one of its three steps: `edge_scores` (g), `weigh` (the softmax)
    or `gaps` (what is distilled).

    Raises ConfigError for a setting or a prior that does not fit.
    """

    def __init__(
        self,
        feature_dim: int,
        num_modalities: int = 3,
        hidden_dim: int = 32,
        normalize: str = "graph",
        prior: Sequence[Sequence[float]] | Tensor | None = None,
        scale: float = 1.0,
        stop_gradient: bool = True,
    ):
        super().__init__()
        if num_modalities < 2:
            raise ConfigError(f"num_modalities: a graph needs two or more, got {num_modalities}")
        if normalize not in ("graph", "target"):
            raise ConfigError(f"normalize: 'graph' or 'target', got {normalize!r}")
        self.num_modalities = num_modalities
        self.normalize = normalize
        self.scale = scale
        self.stop_gradient = stop_gradient
        self.logit = nn.Linear(feature_dim, 1)  # f, theta_1: one for all modalities
        # g, theta_2: fully connected and linear like the paper's, in two steps, as the released
        # code has it. Both ends of an edge pass through `node`, then `edge` weighs the pair.
        self.node = nn.Linear(1 + feature_dim, hidden_dim)
        self.edge = nn.Linear(2 * hidden_dim, 1)
        self.register_buffer("edges", ~torch.eye(num_modalities, dtype=torch.bool), False)
        self.register_buffer("prior", None if prior is None else self._checked(prior))

    def _checked(self, prior: Sequence[Sequence[float]] | Tensor) -> Tensor:
        m = self.num_modalities
        try:
            prior = torch.as_tensor(prior, dtype=torch.float64)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"prior: not a matrix of numbers ({error})") from None
        if prior.shape != (m, m):
            raise ConfigError(f"prior: expected shape [{m}, {m}], got {list(prior.shape)}")
        if not torch.isfinite(prior).all() or (prior < 0).any() or prior.diagonal().any():
            raise ConfigError("prior: weights must be finite, not negative, zero on the diagonal")
        total = prior.sum() if self.normalize == "graph" else prior.sum(0)
        if (total == 0).any():
            raise ConfigError("prior: has no weight" + (" for some student" * (total.ndim > 0)))
        return (prior / total).float()

    def forward(self, features: Tensor, present: Tensor | None = None) -> GDOutput:
        """features [B, M, F], present [B, M] bool (False: a missing modality, no edges)."""
        if features.ndim != 3 or features.shape[1] != self.num_modalities:
            shape = list(features.shape)
            raise ValueError(f"features: expected [B, {self.num_modalities}, F], got {shape}")
        logits = self.logit(features).squeeze(-1)  # [B, M]
        edges = self.edges.expand(len(features), -1, -1)  # [B, M, M]
        if present is not None:
            edges = edges & present[:, :, None] & present[:, None, :]
        learned = self.weigh(self.scale * self.edge_scores(features, logits), edges)  # Eq. 8
        weights, regulariser = self._with_prior(learned, edges)
        discrepancy = self.gaps(features, logits) * edges  # [B, M, M]
        loss = (weights * discrepancy).sum((1, 2)).mean() + regulariser  # Eq. 9
        return GDOutput(logits, weights, discrepancy, loss)

    def edge_scores(self, features: Tensor, logits: Tensor) -> Tensor:
        """g([f(X_i), X_i], [f(X_j), X_j]) for every pair: [B, M, M], before the softmax."""
        ends = torch.cat([logits[..., None], features], dim=-1).detach()  # [B, M, 1 + F]
        h = self.node(ends)  # [B, M, hidden]
        m = self.num_modalities
        source = h[:, :, None, :].expand(-1, -1, m, -1)  # [B, M, M, hidden]
        target = h[:, None, :, :].expand(-1, m, -1, -1)  # [B, M, M, hidden]
        return self.edge(torch.cat([source, target], dim=-1)).squeeze(-1)

    def gaps(self, features: Tensor, logits: Tensor) -> Tensor:
        """The discrepancies E, [B, M, M]: here of the logits alone (Eq. 7)."""
        return discrepancy(logits, self.stop_gradient)

    def weigh(self, scores: Tensor, edges: Tensor) -> Tensor:
        """Softmax over the graph's edges, or over the edges into each student; 0 elsewhere.

        scores [B, M, M], edges [B, M, M] bool -> weights [B, M, M].
        """
        scores = scores.float().masked_fill(~edges, torch.finfo(torch.float32).min)
        if self.normalize == "graph":
            weights = scores.flatten(1).softmax(1).view_as(scores)  # [B, M, M]
        else:
            weights = scores.softmax(1)  # over teachers
        return weights * edges  # a graph without edges has no weight

    def _with_prior(self, learned: Tensor, edges: Tensor) -> tuple[Tensor, Tensor]:
        """The weights that distil, and what the prior's regulariser costs."""
        if self.prior is None:
            return learned, learned.new_zeros(())
        prior = self.prior * edges  # [B, M, M]
        total = prior.sum((1, 2) if self.normalize == "graph" else 1, keepdim=True)
        # Where missing modalities leave the prior without an edge, the learned weights stand alone.
        prior = torch.where(total > 0, prior / total.clamp(min=1e-30), learned)
        distance = (learned - prior).mean(0).square().sum()
        return (learned + prior) / 2, PRIOR_STRENGTH * distance
