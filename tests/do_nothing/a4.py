"""Answers to assignment A4 that do nothing: name -> code in place of its answers."""

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
