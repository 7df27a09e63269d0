"""Answers that do nothing, at least three of each assignment: code that replaces its answers."""

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
A2 = {
    "inherits": """
def edges_used(weights):
    return (weights > 0).sum((1, 2)).float()

class TemperedGDUnit(dmdlite.GDUnit):
    def __init__(self, feature_dim, num_modalities=3, temperature=1.0, **options):
        super().__init__(feature_dim, num_modalities, **options)
        if not temperature > 0:
            raise ValueError(temperature)

def learned_half(weights, prior, present=None):
    return weights

def apart(graph, prior):
    return 0.0

def prior_from_data(features, labels):
    m = len(features)
    return (1 - torch.eye(m)) / (m * (m - 1))
""",
    "constants": """
def edges_used(weights):
    return torch.ones(len(weights))

class TemperedGDUnit(dmdlite.GDUnit):
    def __init__(self, feature_dim, num_modalities=3, temperature=1.0, **options):
        super().__init__(feature_dim, num_modalities, scale=0.0, **options)

def learned_half(weights, prior, present=None):
    return torch.zeros_like(weights)

def apart(graph, prior):
    return 0.5

def prior_from_data(features, labels):
    m = len(features)
    prior = torch.zeros(m, m)
    prior[0, 1:] = 1 / (m - 1)
    return prior
""",
    "first_teaches_more": """
def edges_used(weights):
    return weights.sum((1, 2))

class TemperedGDUnit(dmdlite.GDUnit):
    pass

def learned_half(weights, prior, present=None):
    return 2 * weights

def apart(graph, prior):
    return float(graph.sum())

def prior_from_data(features, labels):
    m = len(features)
    prior = torch.rand(m, m) * (1 - torch.eye(m))
    return prior / prior.sum()
""",
}
A3 = {
    "zeros": """
def cosine_gaps(features):
    b, m, _ = features.shape
    return torch.zeros(b, m, m) * features.sum()

def attention_map(x, mask, bins=8):
    return torch.zeros(len(x), bins) * x.sum()

def attention_gaps(maps):
    b, m, _ = maps.shape
    return torch.zeros(b, m, m) * maps.sum()

class FeatureGDUnit(dmdlite.GDUnit):
    def __init__(self, feature_dim, num_modalities=3, beta=1.0, **options):
        super().__init__(feature_dim, num_modalities, **options)
        self.beta = beta
""",
    "level_maps": """
def cosine_gaps(features):
    b, m, _ = features.shape
    return (1 - torch.eye(m)).expand(b, m, m)

def attention_map(x, mask, bins=8):
    return (mask.any(1).float()[:, None] / bins**0.5 * torch.ones(bins)) + 0 * x.sum()

def attention_gaps(maps):
    b, m, _ = maps.shape
    return (1 - torch.eye(m)).expand(b, m, m) + 0 * maps.sum()

class FeatureGDUnit(dmdlite.GDUnit):
    def __init__(self, feature_dim, num_modalities=3, beta=1.0, **options):
        super().__init__(feature_dim, num_modalities, **options)

    def gaps(self, features, logits):
        return super().gaps(features, logits) + 1
""",
    "gives_back": """
def cosine_gaps(features):
    return features @ features.transpose(1, 2)

def attention_map(x, mask, bins=8):
    return x.sum(2)[:, :bins]

def attention_gaps(maps):
    return maps @ maps.transpose(1, 2)

class FeatureGDUnit(dmdlite.GDUnit):
    def __init__(self, feature_dim, num_modalities=3, beta=1.0, **options):
        super().__init__(feature_dim, num_modalities, **options)

    def gaps(self, features, logits):
        return super().gaps(features, logits) * 0
""",
}
UNTRAINED = """
def train_dmd(splits, clips=300, epochs=3, seed=0):
    dmdlite.seed_everything(seed)
    return dmdlite.DMD(dmdlite.DMDConfig.for_dataset(splits["train"], dim=12, heads=2, layers=1))
"""
NOISE = """
def with_physiology(splits, seed=0):
    g, found = torch.Generator().manual_seed(seed), {}
    for name, d in splits.items():
        n = len(d)
        lengths = 4 + torch.arange(n) % 5
        lengths[:: 20] = 0
        values = torch.randn(int(lengths.sum()), 4, generator=g)
        offsets = torch.cat([torch.zeros(1, dtype=torch.int64), lengths.cumsum(0)])
        found[name] = replace(
            d,
            values=d.values | {"physiology": values},
            offsets=d.offsets | {"physiology": offsets},
            factors=d.factors | {"private_physiology": torch.randn(n, 3, generator=g)},
        )
    return found
"""
A4 = {
    "as_it_was": "def with_physiology(splits, seed=0):\n    return splits\n" + UNTRAINED,
    "noise": NOISE + UNTRAINED,
    "copies": """
def with_physiology(splits, seed=0):
    return {
        k: replace(
            d,
            values=d.values | {"physiology": d.values["audio"][:, :4]},
            offsets=d.offsets | {"physiology": d.offsets["audio"]},
            factors=d.factors | {"private_physiology": d.factors["common"][:, :3]},
        )
        for k, d in splits.items()
    }

def edge_names(modalities):
    return list(modalities)

def mean_weights(weights):
    return weights.mean(0).flatten()

def teaching(weights):
    return weights.sum()

def vote(logits, present):
    return logits[:, 0]

def agreement(logits):
    return logits[:, 0] * 0
""",
}
A5 = {
    "inherits": """
class MyGDUnit(dmdlite.GDUnit):
    pass

leaderboard_name = "nothing"
""",
    "levels": """
class MyGDUnit(dmdlite.GDUnit):
    def edge_scores(self, features, logits):
        return torch.zeros(*features.shape[:2], features.shape[1])

leaderboard_name = "level"
""",
    "draws": """
class MyGDUnit(dmdlite.GDUnit):
    def edge_scores(self, features, logits):
        return torch.randn(*features.shape[:2], features.shape[1])

leaderboard_name = "random"
""",
    "constant_graph": """
class MyGDUnit(dmdlite.GDUnit):
    def __init__(self, feature_dim, num_modalities=3, **options):
        super().__init__(feature_dim, num_modalities, **options)
        self.table = nn.Parameter(torch.randn(num_modalities, num_modalities))

    def edge_scores(self, features, logits):
        return self.table.expand(len(features), -1, -1)

leaderboard_name = "constant"
""",
}
DO_NOTHING = {"a1": A1, "a2": A2, "a3": A3, "a4": A4, "a5": A5}
