"""Numbers beside the t-SNE pictures, on codes whose structure is planted."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from dmdlite.experiments import separation as codes
from dmdlite.experiments.separation import (
    choose,
    complete_codes,
    groupings,
    picture,
    probes,
    separation,
)


def planted(n=60, by="modality", seed=0):
    """Codes [n, 3, 4] in clusters by modality or by sign of the label, and labels [n]."""
    rng = np.random.default_rng(seed)
    labels = rng.uniform(-3, 3, n)
    centre = np.zeros((n, 3, 4))
    if by == "modality":
        centre[:, np.arange(3), np.arange(3)] = 8
    else:
        centre[:, :, 0] = 8 * np.sign(labels)[:, None]
    return centre + rng.normal(size=centre.shape), labels


@pytest.mark.parametrize(("by", "other"), [("modality", "sign"), ("sign", "modality")])
def test_silhouettes_and_probes_find_the_planted_grouping(by, other):
    x, labels = planted(by=by)
    groups = groupings(labels, 3)
    found = codes.silhouettes(x.reshape(-1, 4), groups)
    assert found[by] > 0.6
    assert found[other] < 0.1
    accuracy = probes(x, groups)
    assert accuracy[by] > 0.98
    chance = 1 / 3 if other == "modality" else 0.5
    assert accuracy[other] == pytest.approx(chance, abs=0.15)


def test_one_group_has_no_silhouette():
    assert np.isnan(codes.silhouettes(np.eye(4), {"all": np.zeros(4)})["all"])


def test_groupings_go_with_the_flattened_codes():
    groups = groupings(np.array([-2.6, 0.0]), 3)
    assert groups["class"].tolist() == [-3, -3, -3, 0, 0, 0]
    assert groups["sign"].tolist() == [False] * 3 + [True] * 3  # negative, non-negative
    assert groups["modality"].tolist() == [0, 1, 2, 0, 1, 2]


def test_probe_keeps_a_clip_in_one_fold():
    """Codes that name their clip and nothing else would let a leaking probe score full marks."""
    rng = np.random.default_rng(0)
    own = rng.normal(size=(40, 1, 30)) * 10
    x = np.repeat(own, 3, axis=1) + rng.normal(size=(40, 3, 30)) * 0.01
    groups = groupings(rng.permutation(np.repeat([-1.0, 1.0], 20)), 3)
    assert probes(x, groups)["sign"] < 0.75


def test_clips_of_a_picture():
    labels = np.repeat(np.arange(-3, 4), 10).astype(float)
    few = choose(labels, "fig3", 0)
    assert np.unique(labels[few], return_counts=True)[1].tolist() == [4] * 7
    assert choose(labels, "fig3", 1).tolist() != few.tolist()
    assert len(choose(np.zeros(900), "fig4", 0)) == 400
    assert len(choose(labels, "fig4", 0)) == 70


def test_picture_keeps_clusters_apart():
    x, labels = planted(n=20)
    points = picture(x, 0)
    assert points.shape == (60, 2)
    assert codes.silhouettes(points, groupings(labels, 3))["modality"] > 0.5
    assert np.array_equal(points, picture(x, 0))


def test_only_complete_clips_of_the_first_fold():
    outputs = {
        "common": torch.arange(24.0).view(4, 3, 2),
        "labels": torch.arange(4.0),
        "present": torch.ones(4, 3, dtype=torch.bool),
        "fold": torch.tensor([0, 0, 1, 0]),
    }
    outputs["present"][1, 2] = False
    x, labels = complete_codes(outputs, "common")
    assert labels.tolist() == [0, 3]
    assert x[1].tolist() == outputs["common"][3].tolist()


def test_separation_is_measured_once(tmp_path, monkeypatch):
    x, labels = planted(n=40, by="modality")
    outputs = {
        "common": torch.tensor(x),
        "labels": torch.tensor(labels),
        "present": torch.ones(40, 3, dtype=torch.bool),
        "fold": torch.zeros(40).long(),
    }
    save_file(outputs, tmp_path / "outputs.safetensors")
    first = separation(tmp_path, "fig3")
    assert first["numbers"]["probe_modality"] > 0.98
    assert first["numbers"]["tsne_modality"] > 0.4
    assert len(first["points"]["x"]) == len(first["points"]["class"])
    monkeypatch.setattr(codes, "picture", lambda *_: pytest.fail("drawn again"))
    assert separation(tmp_path, "fig3") == first
