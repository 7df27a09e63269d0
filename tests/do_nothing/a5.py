"""Answers to assignment A5 that do nothing: name -> code in place of its answers."""

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
