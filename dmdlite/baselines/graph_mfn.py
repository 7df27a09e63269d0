"""Graph-MFN (Zadeh et al., ACL 2018): the Memory Fusion Network with a dynamic fusion graph.

The graph has a vertex for every set of modalities: one, two, all. Each set's vertex reads the
vertices of its proper subsets, every one scaled by an efficacy between 0 and 1 that is computed
from the data, so that the graph says which combinations matter at this moment.
"""

from __future__ import annotations

from itertools import combinations

import torch
from torch import Tensor, nn

from ..data.alignment import one_axis
from ..data.dataset import Batch
from .base import Baseline, BaselineConfig, Output
from .layers import mlp
from .mfn import MemoryFusion

Subset = tuple[int, ...]


def subsets(count: int) -> list[Subset]:
    """Every set of modalities but the empty one, small ones first."""
    return [s for size in range(1, count + 1) for s in combinations(range(count), size)]


def edges(count: int) -> list[tuple[Subset, Subset]]:
    """(from, to): every proper subset to its set, then every set to the output, called ().

    Three modalities: 6 + 6 edges inside, and 7 to the output: 19.
    """
    vertices = subsets(count)
    inside = [(a, b) for b in vertices for a in vertices if set(a) < set(b)]
    return inside + [(a, ()) for a in vertices]


class DynamicFusionGraph(nn.Module):
    """before, after [B, M, dim] (the LSTMs' h) -> tau [B, dim].

    Every sub-network sits in a ModuleList or ModuleDict: a public port keeps them in plain
    containers, and they never train.
    """

    reads_cells = False

    def __init__(self, c: BaselineConfig):
        super().__init__()
        m, self.width = c.num_modalities, c.dim
        self.single = nn.ModuleList(nn.Linear(2 * c.dim, c.dim) for _ in range(m))
        self.edges = edges(m)
        self.joint = nn.ModuleDict()
        for target in [s for s in subsets(m) if len(s) > 1] + [()]:
            count = len([edge for edge in self.edges if edge[1] == target])
            self.joint[self._name(target)] = mlp(count * c.dim, c.dim, c.dim, c.dropout)
        self.efficacies = mlp(m * c.dim, c.dim, len(self.edges), c.dropout)

    @staticmethod
    def _name(target: Subset) -> str:
        return "_".join(str(i) for i in target) or "out"

    def forward(self, before: Tensor, after: Tensor) -> Tensor:
        both = torch.cat([before, after], dim=-1)  # [B, M, 2 dim]
        vertices = {(i,): net(both[:, i]) for i, net in enumerate(self.single)}
        single = torch.cat(list(vertices.values()), dim=1)  # [B, M dim]
        efficacy = self.efficacies(single).sigmoid().unbind(1)  # one [B] an edge
        weight = dict(zip(self.edges, efficacy, strict=True))
        for name, net in self.joint.items():  # small sets first, the output last
            target = () if name == "out" else tuple(int(i) for i in name.split("_"))
            scaled = [weight[e][:, None] * vertices[e[0]] for e in self.edges if e[1] == target]
            vertices[target] = net(torch.cat(scaled, dim=1))
        return vertices[()]


class GraphMFN(Baseline):
    """Memory fusion over a dynamic fusion graph -> two layers.

    Reads step by step: unaligned modalities are resampled to the first one's steps
    (`alignment.windows`). Modalities may be missing. The graph has 2^M - 1 vertices and
    3^M - 2^M edges.
    """

    paper = (
        "Multimodal Language Analysis in the Wild: CMU-MOSEI Dataset and Interpretable Dynamic "
        "Fusion Graph"
    )
    year = 2018
    family = "memory"
    one_axis = True

    def __init__(self, c: BaselineConfig):
        super().__init__(c)
        self.fusion = MemoryFusion(c, DynamicFusionGraph(c))
        self.head = mlp(self.fusion.width, c.dim, 1, c.dropout)

    def forward(self, batch: Batch) -> Output:
        """Raises ModelError when the batch's modalities or widths are not the model's."""
        batch = self.prepared(batch)
        fused = self.fusion(*one_axis(batch, self.config.is_aligned))
        return Output(self.head(fused).squeeze(-1))
