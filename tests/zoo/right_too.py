"""More GD-Units that are right: unusual starts, precisions, layers and outputs."""

import torch
from torch import nn

from .right import Merged, Plain


class StartsAtZero(Plain):
    """g's last layer and f start at zero."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        nn.init.zeros_(self.edge.weight)
        nn.init.zeros_(self.logit.weight)


class PriorBuffer(Plain):
    """The prior as a buffer that is always there."""

    def __init__(self, feature_dim, num_modalities=3, prior=None, **kwargs):
        super().__init__(feature_dim, num_modalities, **kwargs)
        del self.prior
        self.given = prior is not None
        zeros = torch.zeros(num_modalities, num_modalities)
        self.register_buffer("prior", prior / prior.sum() if self.given else zeros)

    def mix(self, w, edges):
        return super().mix(w, edges) if self.given else (w, 0.0)


class Lazy(Plain):
    """f takes its width from the first input."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.logit = nn.LazyLinear(1)


class DoubleInside(Plain):
    """All in double precision, float outside."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.double()
        self.prior = None if self.prior is None else self.prior.double()

    def forward(self, x, present=None):
        return tuple(out.float() for out in super().forward(x.double(), present))


class SumOfEnds(Plain):
    """The names of Eq. 8 on layers of other widths."""

    def __init__(self, feature_dim, num_modalities=3, hidden_dim=8, normalize="graph", prior=None):
        super().__init__(feature_dim, num_modalities, hidden_dim, normalize, prior)
        self.other = nn.Linear(1 + feature_dim, hidden_dim)
        self.edge = nn.Linear(hidden_dim, 1)

    def scores(self, ends):
        both = self.node(ends)[:, :, None] + self.other(ends)[:, None]
        return self.edge(torch.tanh(both)).squeeze(-1)


class DeepF(Plain):
    """f with a hidden layer."""

    def __init__(self, feature_dim, *args, **kwargs):
        super().__init__(feature_dim, *args, **kwargs)
        del self.logit
        self.f = nn.Sequential(nn.Linear(feature_dim, 16), nn.ReLU(), nn.Linear(16, 1))

    def read(self, x):
        return self.f(x).squeeze(-1)


class WeightsForAFigure(Plain):
    """The weights come back detached; the loss trains g."""

    def forward(self, x, present=None):
        z, w, eps, loss = super().forward(x, present)
        return z, w.detach(), eps, loss


class FrozenTemperature(Merged):
    """Its scores are divided by a parameter that is set, not learned."""

    def __init__(self, feature_dim, num_modalities=3, hidden_dim=8, normalize="graph", prior=None):
        super().__init__(feature_dim, num_modalities, hidden_dim, normalize, prior)
        self.temperature = nn.Parameter(torch.tensor(2.0), requires_grad=False)

    def scores(self, ends):
        return super().scores(ends) / self.temperature


RIGHT_TOO = (
    StartsAtZero,
    PriorBuffer,
    Lazy,
    DoubleInside,
    SumOfEnds,
    DeepF,
    WeightsForAFigure,
    FrozenTemperature,
)
