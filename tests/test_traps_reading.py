"""What the checks of chapter 10 say: to further answers that a learner may write, to
answers of another type, and to right ones written another way than the solution."""

import itertools

import numpy as np
import torch
from scipy.spatial.distance import cdist

from tests.chapters import space, told


def nothing(*_):
    return None


def silhouettes(metric="euclidean", others="nearest", over=np.maximum, mean="points", own=1):
    def silhouette(points, groups):
        distance, found = cdist(points, points, metric), []
        for i, g in enumerate(groups):
            mine = groups == g
            if mine.sum() == 1:
                found.append(0.0)
                continue
            a = distance[i, mine].sum() / (mine.sum() - own)
            means = [distance[i, groups == h].mean() for h in np.unique(groups) if h != g]
            b = {"nearest": min(means), "farthest": max(means), "all": distance[i, ~mine].mean()}
            found.append((b[others] - a) / over(a, b[others]))
        found = np.array(found)
        if mean == "points":
            return found.mean()
        if mean == "groups":
            return np.mean([found[groups == g].mean() for g in set(groups)])
        return found if mean is None else float(found[found != 0].mean())

    return silhouette


def numbered_groups(points, groups):
    """Labels taken for 0, 1, 2, ..."""
    k, distance = int(groups.max()) + 1, cdist(points, points)
    found = []
    for i, g in enumerate(groups):
        means = [distance[i, groups == h].mean() for h in range(k) if h != g and h in groups]
        own = (groups == g) & (np.arange(len(groups)) != i)
        a = distance[i, own].mean() if own.any() else 0.0
        found.append((min(means) - a) / max(a, min(means)) if own.any() else 0.0)
    return np.mean(found)


def in_torch(points, groups):
    """Right, another way: matrix products, float32, a tensor."""
    D = torch.cdist(torch.tensor(points).float(), torch.tensor(points).float())
    member = torch.tensor(groups[:, None] == np.unique(groups)).float()
    n, sums = member.sum(0), D @ member
    size = (member @ n).clamp(min=2)
    a = (sums * member).sum(1) / (size - 1)
    b = (sums / n).masked_fill(member.bool(), torch.inf).amin(1)
    s = (b - a) / torch.maximum(a, b)
    return torch.where(member @ n > 1, s, 0).mean()


def errors_of(change=lambda with_, without_: without_, pairs=None, keep=False, share=1):
    def pair_errors(dataset, error):
        without, found = space("10")["without"], {}
        for pair in pairs or itertools.combinations(dataset.modalities, 2):
            gone = dataset
            for m in dataset.modalities:
                if (m in pair) != keep:
                    gone = without(gone, m, share)
            found[pair] = change(error(dataset), error(gone))
        return found

    return pair_errors


THREE = (("language", "vision"), ("language", "audio"), ("vision", "audio"))


def second_alone(dataset, error):
    without, pairs = space("10")["without"], itertools.combinations(dataset.modalities, 2)
    return {(a, b): error(without(dataset, b, 1)) for a, b in pairs}


def by_index(dataset, error):
    """Right, another way: loops, and one modality kept by name."""
    without, names, found = space("10")["without"], dataset.modalities, {}
    for i in range(len(names)):
        for j in range(i + 1, len(names)):
            found[names[i], names[j]] = error(without(without(dataset, names[j], 1), names[i], 1))
    return found


def shuffled(features, m, dim=0):
    x = features.clone()
    x[:, m] = features[:, m].roll(1, dim)
    return x


def sensitivity(reduce, shuffle=shuffled, modalities=None, axis=0, of="weights"):
    def edge_sensitivity(unit, features):
        before, found = getattr(unit(features), of), []
        for m in range(modalities or features.shape[1]):
            found.append(reduce(getattr(unit(shuffle(features, m)), of) - before))
        return torch.stack(found, axis)

    return edge_sensitivity


def in_place(unit, features):
    before, found = unit(features).weights, []
    for m in range(features.shape[1]):
        features[:, m] = features[:, m].roll(1, 0)
        found.append((unit(features).weights - before).abs().mean(0))
    return torch.stack(found)


def mean_change(x):
    return x.abs().mean(0)


def in_numpy(unit, features):
    """Right, another way: clip by clip, NumPy, float64."""
    M, before = features.shape[1], unit(features).weights
    found = np.zeros((M, M, M))
    for m in range(M):
        for b in range(len(features)):
            x = features[b : b + 1].clone()
            x[0, m] = features[b - 1, m]
            found[m] += (unit(x).weights - before[b]).abs()[0].numpy() / len(features)
    return found


CASES = [  # chapter, check, answer, what is said of it
    ("10", "check_silhouette", nothing, "returned None"),
    ("10", "check_silhouette", silhouettes(mean=None), "one number, got shape [4]"),
    ("10", "check_silhouette", silhouettes("sqeuclidean"), "not their squares"),
    ("10", "check_silhouette", silhouettes("cityblock"), "of the nearest"),
    ("10", "check_silhouette", silhouettes(others="all"), "of the nearest"),
    ("10", "check_silhouette", silhouettes(others="farthest"), "of the nearest"),
    ("10", "check_silhouette", silhouettes(over=np.add), "the larger of a and b"),
    ("10", "check_silhouette", silhouettes(mean="groups"), "all count"),
    ("10", "check_silhouette", silhouettes(mean="without lone"), "counts 0"),
    ("10", "check_silhouette", silhouettes(own=0), "the *others* of its group"),
    ("10", "check_silhouette", lambda p, g: -silhouettes()(p, g), "not a - b"),
    ("10", "check_silhouette", numbered_groups, "of the nearest"),
    ("10", "check_silhouette", silhouettes(), "correct"),
    ("10", "check_silhouette", in_torch, "correct"),
    ("10", "check_pairs", nothing, "a dict, got None"),
    ("10", "check_pairs", errors_of(pairs=THREE), "not yet"),
    ("10", "check_pairs", errors_of(pairs=[p[::-1] for p in THREE]), "in the order of"),
    ("10", "check_pairs", errors_of(lambda a, b: b - a), "not its change"),
    ("10", "check_pairs", errors_of(keep=True), "000050, got 505001"),
    ("10", "check_pairs", errors_of(share=0.5), "000050, got"),
    ("10", "check_pairs", errors_of(share=0.9), "000050, got"),
    ("10", "check_pairs", second_alone, "000050, got 500051"),
    (
        "10",
        "check_pairs",
        lambda d, e: errors_of()(space("10")["test"], e),
        "all clips, all modalities",
    ),
    ("10", "check_pairs", errors_of(), "correct"),
    ("10", "check_pairs", by_index, "correct"),
    ("10", "check_sensitivity", nothing, "returned None"),
    ("10", "check_sensitivity", in_place, "it changes `features`"),
    (
        "10",
        "check_sensitivity",
        sensitivity(lambda x: x.mean(0).abs()),
        "not the change of the mean",
    ),
    ("10", "check_sensitivity", sensitivity(lambda x: x.square().mean(0).sqrt()), "absolute"),
    ("10", "check_sensitivity", sensitivity(lambda x: x.abs().sum(0)), "mean over clips"),
    ("10", "check_sensitivity", sensitivity(torch.abs), "[3, 3, 3], got shape [3, 8, 3, 3]"),
    (
        "10",
        "check_sensitivity",
        sensitivity(mean_change, modalities=3),
        "[4, 4, 4], got shape [3, 4",
    ),
    ("10", "check_sensitivity", sensitivity(mean_change, axis=2), "not yet"),
    ("10", "check_sensitivity", sensitivity(mean_change, of="discrepancy"), "not yet"),
    ("10", "check_sensitivity", sensitivity(lambda x: mean_change(x).T), "not yet"),
    (
        "10",
        "check_sensitivity",
        sensitivity(mean_change, lambda x, m: shuffled(x, m, 1)),
        "equal features changes nothing",
    ),
    ("10", "check_sensitivity", sensitivity(mean_change), "correct"),
    ("10", "check_sensitivity", in_numpy, "correct"),
]
test_an_answer_is_told_what_it_is = told(CASES)
