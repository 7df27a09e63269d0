"""Fig. 3 and 4 with numbers: how codes separate by emotion and modality (Chapter 10).

A t-SNE picture depends on its seed and on the clips chosen for it. So each picture comes with the
silhouette of what it shows, averaged over several pictures, and with numbers that no picture can
change: silhouettes of the codes themselves and the accuracy of a linear probe on them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from safetensors.torch import load_file
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import TSNE
from sklearn.metrics import silhouette_score
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ..files import read_json, write_json
from ..losses import sentiment_class
from .formatting import Table, about, shown, values
from .systems import VARIANTS

PICTURES = 3  # t-SNE seeds
EACH_CLASS, MANY = 4, 400  # clips in Fig. 3: four a class; in Fig. 4: 400
FIGURES = {"fig3": "common", "fig4": "reinforced"}  # the codes each figure shows


def complete_codes(outputs: dict[str, torch.Tensor], space: str) -> tuple[np.ndarray, np.ndarray]:
    """Codes [n, M, width] and labels [n] of the samples with every modality; of several folds,
    the first one's, since every fold has a model of its own."""
    kept = outputs["present"].all(1) & (outputs["fold"] == 0)
    return outputs[space][kept].numpy(), outputs["labels"][kept].numpy()


def groupings(labels: np.ndarray, modalities: int) -> dict[str, np.ndarray]:
    """What codes may cluster by, one value a code [n M]: emotion's class, its sign, modality."""
    classes = sentiment_class(torch.as_tensor(labels)).numpy()
    return {
        "class": np.repeat(classes, modalities),
        "sign": np.repeat(labels >= 0, modalities),
        "modality": np.tile(np.arange(modalities), len(labels)),
    }


def silhouettes(points: np.ndarray, groups: dict[str, np.ndarray]) -> dict[str, float]:
    """Silhouette of points [n, width] by each grouping: 1 apart, 0 mixed; NaN for one group."""
    return {
        name: float(silhouette_score(points, group)) if len(set(group)) > 1 else float("nan")
        for name, group in groups.items()
    }


def probes(codes: np.ndarray, groups: dict[str, np.ndarray]) -> dict[str, float]:
    """Cross-validated accuracy of logistic regression; a clip's codes stay in one fold."""
    n, modalities, _ = codes.shape
    clips = np.repeat(np.arange(n), modalities)
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
    flat = codes.reshape(n * modalities, -1)
    return {
        name: float(
            np.mean(cross_val_score(probe, flat, groups[name], groups=clips, cv=GroupKFold(5)))
        )
        for name in ("sign", "modality")
    }


def choose(labels: np.ndarray, figure: str, seed: int) -> np.ndarray:
    """Places of the clips in one picture, as many as the paper shows where there are so many."""
    order = np.random.default_rng(seed).permutation(len(labels))
    if figure == "fig4":
        return np.sort(order[:MANY])
    classes = sentiment_class(torch.as_tensor(labels)).numpy()[order]
    few = [order[classes == c][:EACH_CLASS] for c in np.unique(classes)]
    return np.sort(np.concatenate(few))


def picture(codes: np.ndarray, seed: int) -> np.ndarray:
    """t-SNE of codes [n, M, width]: [n M, 2]."""
    flat = codes.reshape(len(codes) * codes.shape[1], -1)
    perplexity = min(30.0, (len(flat) - 1) / 3)
    return TSNE(perplexity=perplexity, random_state=seed).fit_transform(flat)


def separation(folder: Path, figure: str) -> dict[str, Any]:
    """The numbers of one run for "fig3" or "fig4", and the points of its first picture.

    They are kept in the run's folder and made once.
    """
    path = folder / f"{figure}.json"
    if path.exists():
        return read_json(path)
    codes, labels = complete_codes(load_file(folder / "outputs.safetensors"), FIGURES[figure])
    modalities = codes.shape[1]
    groups = groupings(labels, modalities)
    whole = silhouettes(codes.reshape(len(labels) * modalities, -1), groups)
    found = {f"codes_{name}": value for name, value in whole.items()}
    found |= {f"probe_{name}": value for name, value in probes(codes, groups).items()}
    drawn = []
    for seed in range(PICTURES):
        clips = choose(labels, figure, seed)
        points = picture(codes[clips], seed)
        shown = groupings(labels[clips], modalities)
        drawn.append(silhouettes(points, shown))
        if seed == 0:
            first = {"x": points[:, 0], "y": points[:, 1], **shown}
    for name in groups:
        of_pictures = [silhouette[name] for silhouette in drawn]
        found[f"tsne_{name}"] = float(np.mean(of_pictures))
        found[f"tsne_{name}_sd"] = float(np.std(of_pictures, ddof=1))
    points = {k: np.round(v.astype(float), 2).tolist() for k, v in first.items()}
    write_json(path, {"numbers": found, "points": points})
    return {"numbers": found, "points": points}


def separation_table(numbers: pd.DataFrame, rows: pd.DataFrame) -> Table:
    """Silhouettes and probes of the three variants."""
    columns = {f"t-SNE by {k}": (f"tsne_{k}", 2, 1) for k in ("class", "sign", "modality")}
    columns |= {f"codes by {k}": (f"codes_{k}", 2, 1) for k in ("class", "sign", "modality")}
    columns |= {f"probe: {k} (%)": (f"probe_{k}", 1, 100) for k in ("sign", "modality")}
    cells = tuple(
        (title, *(shown(values(numbers, s, c), d, k) for c, d, k in columns.values()))
        for title, s in VARIANTS.items()
    )
    caption = f"Silhouettes (1 apart, 0 mixed) and linear probes. {about(rows)}"
    return Table(caption, ("system", *columns), cells)
