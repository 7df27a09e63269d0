"""The reading chapter: its instruments measure what they say, its checks refuse wrong answers."""

import itertools

import numpy as np
import pytest
import torch

import dmdlite
from tests.chapters import chapter, refused
from tests.conftest import SMALL

NS = chapter("10_reading_the_model")


def test_without_takes_one_modality_from_some_clips():
    test = NS["test"]
    assert NS["without"](test, "audio", 0).present.all()
    gone = NS["without"](test, "audio", 1).present
    assert gone.sum(0).tolist() == [len(test), len(test), 0]
    some = NS["without"](test, "audio", 0.3)
    assert 0.2 < 1 - some.present[:, 2].float().mean() < 0.4
    kept = some.present[:, 2].nonzero().squeeze(1)
    batch, plain = some.batch(kept[:20]), test.batch(kept[:20])
    for m in test.modalities:
        assert torch.equal(batch.features[m], plain.features[m])


def test_attention_maps_are_the_models():
    """A map times the values gives what the attention block puts out."""
    dmdlite.seed_everything(0)
    model = dmdlite.DMD.for_dataset(NS["train"], **SMALL | {"heads": 1}).eval()
    batch, seen = NS["test"].batch(range(3)), {}
    block = model.reinforcement.cross["language_to_vision"].layers[0].attention
    block.register_forward_hook(lambda m, inputs, out: seen.update(source=inputs[1], out=out))
    weights = NS["attention_map"](model, batch, "language", "vision")
    values = block.key_value(seen["source"]).chunk(2, dim=-1)[1]
    torch.testing.assert_close(block.out(weights @ values), seen["out"], atol=1e-5, rtol=1e-4)


def test_column_share_at_its_ends():
    assert NS["column_share"](np.tile([0.1, 0.2, 0.7], (5, 1))) == pytest.approx(1)
    assert NS["column_share"](np.eye(4)) == pytest.approx(0)


def lone_counts_one(points, groups):
    distance = np.linalg.norm(points[:, None] - points, axis=-1)
    found = []
    for i, g in enumerate(groups):
        own = (groups == g) & (np.arange(len(groups)) != i)
        a = distance[i, own].mean() if own.any() else 0.0
        b = min(distance[i, groups == h].mean() for h in set(groups) - {g})
        found.append((b - a) / max(a, b))
    return float(np.mean(found))


def self_included(points, groups):
    distance = np.linalg.norm(points[:, None] - points, axis=-1)
    found = []
    for i, g in enumerate(groups):
        a = distance[i, groups == g].mean()
        b = min(distance[i, groups == h].mean() for h in set(groups) - {g})
        found.append((b - a) / max(a, b))
    return float(np.mean(found))


def one_at_a_time(dataset, error):
    return {
        pair: error(NS["without"](dataset, pair[0], 1))
        for pair in itertools.combinations(dataset.modalities, 2)
    }


def both_orders(dataset, error):
    without = NS["without"]
    return {
        (a, b): error(without(without(dataset, a, 1), b, 1))
        for a, b in itertools.permutations(dataset.modalities, 2)
    }


def signed_change(unit, features):
    before, found = unit(features).weights, []
    for m in range(features.shape[1]):
        rolled = features.clone()
        rolled[:, m] = features[:, m].roll(1, 0)
        found.append((unit(rolled).weights - before).mean(0))
    return torch.stack(found)


def all_shuffled(unit, features):
    change = (unit(features.roll(1, 0)).weights - unit(features).weights).abs().mean(0)
    return torch.stack([change] * features.shape[1])


test_wrong_answers_are_refused = refused(
    NS,
    check_silhouette=(
        lone_counts_one,
        self_included,
    ),
    check_pairs=(
        one_at_a_time,
        both_orders,
    ),
    check_sensitivity=(
        signed_change,
        all_shuffled,
    ),
)
