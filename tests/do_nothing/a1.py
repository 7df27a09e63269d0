"""Answers to assignment A1 that do nothing: name -> code in place of its answers."""

A1 = {
    "inherits": """
def top_k_edges(scores, edges, k):
    return edges.clone()

class TopKGDUnit(dmdlite.GDUnit):
    def __init__(self, feature_dim, num_modalities=3, k=1, **options):
        super().__init__(feature_dim, num_modalities, **options)

class ThresholdGDUnit(dmdlite.GDUnit):
    def __init__(self, feature_dim, num_modalities=3, price=0.0, **options):
        super().__init__(feature_dim, num_modalities, **options)
        self.price, self.theta = price, nn.Parameter(torch.tensor(-0.4))

def edges_in_use(weights, level=0.01):
    return 1.5
""",
    "levels": """
def top_k_edges(scores, edges, k):
    return torch.zeros_like(edges)

class TopKGDUnit(dmdlite.GDUnit):
    def __init__(self, feature_dim, num_modalities=3, k=1, **options):
        super().__init__(feature_dim, num_modalities, **options)
        if k < 1:
            raise ValueError(k)

    def weigh(self, scores, edges):
        return edges / edges.sum((1, 2), keepdim=True).clamp(min=1)

class ThresholdGDUnit(TopKGDUnit):
    def __init__(self, feature_dim, num_modalities=3, price=0.0, **options):
        super().__init__(feature_dim, num_modalities, **options)
        self.price, self.theta = price, nn.Parameter(torch.tensor(-0.4))

    def forward(self, features, present=None):
        out = super().forward(features, present)
        edges = self.num_modalities * (self.num_modalities - 1)
        return out._replace(loss=out.loss + self.price * edges)

def edges_in_use(weights, level=0.01):
    return float(weights.shape[1])
""",
    "gives_nothing": """
def top_k_edges(scores, edges, k):
    return None

class TopKGDUnit(nn.Module):
    def __init__(self, feature_dim, num_modalities=3, k=1, **options):
        super().__init__()

    def forward(self, features, present=None):
        b, m, _ = features.shape
        zero = torch.zeros(b, m, m)
        return dmdlite.gd_unit.GDOutput(zero[:, 0], zero, zero, zero.sum())

class ThresholdGDUnit(TopKGDUnit):
    theta = None

def edges_in_use(weights, level=0.01):
    return 0.0
""",
}
