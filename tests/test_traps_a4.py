"""The tests of assignment A4 refuse plausible wrong answers, and accept right ones written
another way than the solution."""

import itertools
from dataclasses import replace

import torch

import dmdlite
from dmdlite import DMDConfig, TrainConfig
from tests.own_tests import accepts, refuses


def names(pairs=itertools.permutations, text="{} -> {}"):
    return lambda modalities: [text.format(a, b) for a, b in pairs(modalities, 2)]


def off_diagonal(w):
    return w.mean(0)[~torch.eye(w.shape[-1], dtype=torch.bool)]


def gaps(z):
    return (z[:, :, None] - z[:, None]).abs()


def voted(z, p):
    return (z * p).sum(1) / p.sum(1).clamp(min=1)


def physiology(
    felt=lambda d: d.factors["common"][:, 0],
    shown=1.0,
    once=True,
    private_of=lambda d, g: torch.randn(len(d), 3, generator=g),
    kept=lambda d: d.factors,
):
    """`felt` is what the steps know of a clip, `shown` how much of the private factor they show."""

    def with_physiology(splits, seed=0):
        found, g = {}, torch.Generator().manual_seed(seed)
        maps = torch.randn(4, 4, generator=g)
        for name, d in splits.items():
            maps = maps if once else torch.randn(4, 4, generator=g)
            n, values = len(d), []
            private = private_of(d, g)
            lengths = [0 if i % 20 == 7 else 4 + i % 5 for i in range(n)]
            for i, length in enumerate(lengths):
                mean = felt(d)[i] * maps[0] / maps[0].norm() + shown * private[i] @ maps[1:]
                values.append(mean + 3 * torch.randn(length, 4, generator=g))
            offsets = torch.tensor([0, *itertools.accumulate(lengths)])
            found[name] = replace(
                d,
                values={**d.values, "physiology": torch.cat(values)},
                offsets={**d.offsets, "physiology": offsets},
                factors={**kept(d), "private_physiology": private},
            )
        return found

    return with_physiology


alike = torch.randn(1000, 3, generator=torch.Generator().manual_seed(0))


def trained(ignoring=(), **options):
    """train_dmd that goes by its defaults where it ignores what it is given."""

    def train_dmd(splits, clips=300, epochs=3, seed=0):
        use = {"clips": clips, "epochs": epochs, "seed": seed} | dict(ignoring)
        part = {**splits, "train": splits["train"].subset(range(use.pop("clips")))}
        dmdlite.seed_everything(use["seed"])
        made = DMDConfig.for_dataset(splits["train"], dim=12, heads=2, layers=1, **options)
        model = dmdlite.DMD(made)
        dmdlite.fit(model, part, TrainConfig(**use, device="cpu", progress=False))
        return model

    return train_dmd


def shortens_its_argument(splits, clips=300, epochs=3, seed=0):
    splits["train"] = splits["train"].subset(range(clips))
    return trained()(splits, clips, epochs, seed)


def of_audio_too(d):
    return d.factors["common"][:, 0] + d.factors["private_audio"][:, 0]


def of_words_too(d):
    means = torch.stack([part.mean() for part in d.values["language"].tensor_split(len(d))])
    return d.factors["common"][:, 0] + means


def sorts_in_place(z):
    z[:] = z.sort(1).values
    return gaps(z).sum((1, 2)) / (z.shape[1] * (z.shape[1] - 1))


EDGES = {
    "edge_names": names(),
    "mean_weights": off_diagonal,
    "teaching": lambda w: w.mean(0).sum(1),
}


LOGITS = {
    "vote": voted,
    "agreement": lambda z: gaps(z).sum((1, 2)) / (z.shape[1] * (z.shape[1] - 1)),
}

test_a_right_answer_written_another_way_is_accepted = accepts(
    "a4",
    [
        EDGES | LOGITS,
        {"with_physiology": physiology()},
        {"with_physiology": physiology(), "train_dmd": trained()},
        LOGITS | {"vote": lambda z, p: (z * p).sum(1).double() / p.sum(1).clamp(min=1)},
    ],
)

test_a_wrong_answer_is_refused = refuses(
    "a4",
    [
        {"with_physiology": physiology(of_audio_too)},
        {"with_physiology": physiology(of_words_too)},
        {"with_physiology": physiology(), "train_dmd": shortens_its_argument},
        LOGITS | {"agreement": sorts_in_place},
        {"with_physiology": physiology(lambda d: d.labels)},
        {"with_physiology": physiology(shown=0)},
        {"with_physiology": physiology(lambda d: d.factors["common"].sum(1))},
        {"with_physiology": physiology(private_of=lambda d, g: d.factors["private_audio"])},
        {"with_physiology": physiology(kept=lambda d: {})},
        {"with_physiology": physiology(private_of=lambda d, g: alike[: len(d)])},
        {
            "with_physiology": physiology(),
            "train_dmd": trained({"clips": 300, "epochs": 3, "seed": 0}),
        },
        {"with_physiology": physiology(), "train_dmd": trained(gamma=0.5)},
        {"with_physiology": physiology(once=False)},
        EDGES | {"edge_names": names(itertools.combinations)},
        EDGES | {"edge_names": names(text="{1} -> {0}")},
        EDGES | {"mean_weights": lambda w: w.mean(0).flatten()},
        EDGES | {"mean_weights": lambda w: off_diagonal(w.transpose(1, 2))},
        EDGES | {"mean_weights": lambda w: w.mean(0)[w.mean(0) > 0]},
        EDGES | {"teaching": lambda w: w.mean(0).sum(0)},
        EDGES | {"teaching": lambda w: w.mean(0).mean(1)},
        LOGITS | {"vote": lambda z, p: z.mean(1)},
        LOGITS | {"vote": lambda z, p: (z * p).mean(1)},
        LOGITS | {"vote": lambda z, p: (z * p).sum(1) / p.sum(1)},
        LOGITS | {"agreement": lambda z: gaps(z).mean((1, 2))},
        LOGITS | {"agreement": lambda z: gaps(z).sum((1, 2))},
        LOGITS | {"agreement": lambda z: (z[:, 1:] - z[:, :-1]).abs().mean(1)},
        LOGITS | {"agreement": lambda z: z.amax(1) - z.amin(1)},
    ],
)
