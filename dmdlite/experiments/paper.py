"""What the paper reports, in percent, to stand beside ours (Tables 1-5, Chapter 11)."""

from __future__ import annotations

SCORES = ("acc7", "acc2", "f1")

# Tables 1 and 2: setting -> system -> (ACC7, ACC2, F1). A star marks BERT as language input.
TABLE_1 = {
    "aligned": {
        "EF-LSTM": (33.7, 75.3, 75.2),
        "LF-LSTM": (35.3, 76.8, 76.7),
        "TFN": (32.1, 73.9, 73.4),
        "LMF": (32.8, 76.4, 75.7),
        "MFM": (36.2, 78.1, 78.1),
        "RAVEN": (33.2, 78.0, 76.6),
        "MCTN": (35.6, 79.3, 79.1),
        "MulT": (40.0, 83.0, 82.8),
        "PMR": (40.6, 83.6, 83.4),
        "DMD": (41.4, 84.5, 84.4),
        "MISA*": (42.3, 83.4, 83.6),
        "FDMER*": (44.1, 84.6, 84.7),
        "DMD*": (45.6, 86.0, 86.0),
    },
    "unaligned": {
        "EF-LSTM": (31.0, 73.6, 74.5),
        "LF-LSTM": (33.7, 77.6, 77.8),
        "RAVEN": (31.7, 72.7, 73.1),
        "MCTN": (32.7, 75.9, 76.4),
        "MulT": (39.1, 81.1, 81.0),
        "PMR": (40.6, 82.4, 82.1),
        "MICA": (40.8, 82.6, 82.7),
        "DMD": (41.9, 83.5, 83.5),
    },
}
TABLE_2 = {
    "aligned": {
        "EF-LSTM": (47.4, 78.2, 77.9),
        "LF-LSTM": (48.8, 80.6, 80.6),
        "Graph-MFN": (45.0, 76.9, 77.0),
        "RAVEN": (50.0, 79.1, 79.5),
        "MCTN": (49.6, 79.8, 80.6),
        "MulT": (51.8, 82.5, 82.3),
        "PMR": (52.5, 83.3, 82.6),
        "DMD": (53.7, 85.0, 84.9),
        "MISA*": (52.2, 85.5, 85.3),
        "FDMER*": (54.1, 86.1, 85.8),
        "DMD*": (54.5, 86.6, 86.6),
    },
    "unaligned": {
        "EF-LSTM": (46.3, 76.1, 75.9),
        "LF-LSTM": (48.8, 77.5, 78.2),
        "RAVEN": (45.5, 75.4, 75.7),
        "MCTN": (48.2, 79.3, 79.7),
        "MulT": (50.7, 81.6, 81.6),
        "PMR": (51.8, 83.1, 82.8),
        "MICA": (52.4, 83.7, 83.3),
        "DMD": (54.6, 84.8, 84.7),
    },
}
# Table 3: row -> (MOSI ACC7, F1, MOSEI ACC7, F1). The paper prints rows 4 and 5 alike, "FD"; the
# first of the two is presumably FD + HomoGD.
TABLE_3 = {
    "DMD": (41.9, 83.5, 54.6, 84.7),
    "FD + HomoGD + CA": (38.8, 81.1, 53.2, 84.1),
    "FD + HomoGD + HeteroGD": (37.5, 80.6, 52.4, 83.8),
    "FD + HomoGD": (37.2, 80.8, 52.4, 84.3),
    "FD": (34.7, 79.3, 51.6, 82.8),
    "none": (32.4, 79.0, 50.0, 81.9),
}
# Table 4, MOSEI: modality -> (ACC2, F1 without FD, ACC2, F1 with FD)
TABLE_4 = {
    "language": (81.2, 81.4, 82.7, 82.5),
    "vision": (58.2, 52.2, 62.8, 60.0),
    "audio": (53.4, 54.0, 64.9, 62.5),
    "mean": (64.3, 62.5, 70.1, 68.3),
    "sd": (12.1, 13.4, 8.9, 10.1),
}
# Table 5: system -> (MOSI ACC7, ACC2, F1, MOSEI ACC7, ACC2, F1)
TABLE_5 = {
    "MulT": (39.1, 81.1, 81.0, 50.7, 81.6, 81.6),
    "MulT + GD": (39.4, 82.2, 82.2, 51.0, 82.3, 82.5),
    "DMD": (41.9, 83.5, 83.5, 54.6, 84.8, 84.7),
}
# Sec. 4.2, MOSEI: modality -> ACC2 (without, with HomoGD)
HOMO_GD = {"language": (80.9, 82.4), "vision": (56.5, 61.8), "audio": (54.4, 64.1)}
# Sec. 4.2, MOSEI: ACC2 of each modality after the multimodal transformers
HETERO = {"language": 84.5, "vision": 83.8, "audio": 71.0}
# Fig. 5: edges that dominate, unit -> (from, to)
FIG_5 = {
    "homo": (("language", "audio"), ("language", "vision")),
    "hetero": (("language", "audio"), ("language", "vision"), ("vision", "audio")),
}
