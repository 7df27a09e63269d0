"""The paper's tables and figures, and the controls it lacks, as lists of systems to train."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..base import SentimentModel
from ..config import MODALITIES, paper_order
from ..errors import ConfigError
from ..registry import ALL, MODELS, YARDSTICKS
from ..released import CHOICES, TRAINING, edge_prior
from . import arms
from .mistakes import (
    GateReplaces,
    HeteroPushesApart,
    LabelsUnseen,
    MarginAnyModality,
    OrthogonalityOverBatch,
)

KINDS: dict[str, type[SentimentModel]] = {
    **ALL,
    "labels unseen": LabelsUnseen,
    "gate replaces": GateReplaces,
    "margin any modality": MarginAnyModality,
    "orthogonality over batch": OrthogonalityOverBatch,
    "hetero pushes apart": HeteroPushesApart,
    **arms.KINDS,
}


@dataclass(frozen=True)
class System:
    """One line of a table: what is trained, and on which version of the data.

    `kind` is a key of KINDS, or of `simple.SIMPLE`: a model on time averages, whose one setting is
    the `modalities` that it reads. `settings` are fields of the kind's configuration, `training`
    of TrainConfig; both differ from the run's recipe. `prior` puts the released code's edge priors
    into the GD-Units. `control` is a key of `controls.CONTROLS`. A `searched` system gets its
    width, learning rate and dropout from `search.to_run`; its `trial` number k is the k-th
    setting that the search tries.
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    kind: str = "DMD"
    training: Mapping[str, Any] = field(default_factory=dict)
    prior: bool = False
    control: str = "as it is"
    searched: bool = False
    trial: int | None = None

    def fields(self, modalities: Sequence[str]) -> dict[str, Any]:
        """The fields of the configuration that this system sets on data with these modalities."""
        at = [paper_order(modalities).index(m) for m in modalities]  # language, wherever it stands
        priors = {"gd_prior": edge_prior(len(at)), "hetero_prior": edge_prior(len(at), True)}
        own = {k: prior[at][:, at] for k, prior in priors.items()} if self.prior else {}
        return dict(self.settings) | own


def reads_alone(modality: str) -> System:
    """Ridge regression on one modality."""
    return System(f"ridge on {modality}", {"modalities": (modality,)}, "ridge")


NO_CA = {"cross_attention": False, "hetero_gd": False}
NO_GD = {"homo_gd": False, "hetero_gd": False}
_ALL = [
    # Table 3, and Fig. 3 and 4
    System("DMD"),
    System("FD + HomoGD + CA", {"hetero_gd": False}),
    System("FD + HomoGD + HeteroGD", {"cross_attention": False}),
    System("FD + HomoGD", NO_CA),
    System("FD", NO_CA | NO_GD),
    System("none", NO_CA | NO_GD | {"decoupling": False}),
    System("FD + CA", NO_GD),
    # Tables 1, 2 and 5
    System("MulT", kind="MulT"),
    System("MulT + GD", {"hetero_gd": True}, "MulT"),
    System("MulT + GD, weight 0", {"hetero_gd": True, "lambda_ddl": 0.0}, "MulT"),  # logits alone
    System("ridge", kind="ridge"),
    # The two that minimise squared error, with everybody else's loss
    System("ridge, absolute error", kind="ridge, absolute error"),
    System("MISA, absolute error", {"error": "absolute"}, "MISA", searched=True),
    # Simple models
    *(reads_alone(m) for m in MODALITIES),
    System("MLP", kind="MLP"),
    System("task alone", NO_CA | NO_GD | {"lambda_dec": 0.0}),  # "none", with the encoders
    # HomoGD at other weights, and with logits that never see a label
    System("FD + HomoGD, weight 2", NO_CA | {"lambda_ddl": 2.0}),
    System("FD + HomoGD, labels unseen", NO_CA, "labels unseen"),
    # Do the edges follow the data, or the prior?
    System("prior", prior=True),
    System("shuffled labels", control="shuffled labels"),
    System("shuffled labels, prior", control="shuffled labels", prior=True),
    System("noise", control="noise"),
    System("noise, prior", control="noise", prior=True),
    System("rotated modalities", control="rotated modalities"),
    System("rotated modalities, prior", control="rotated modalities", prior=True),
    # The null of a rounding change: how far a change that means nothing moves a score
    System("weight in its sixth digit", {"lambda_ddl": 0.0500001}),
    # What the choices are worth where paper and code differ
    System("signed orthogonality", {"orthogonality": "signed"}),
    System("hinge orthogonality", {"orthogonality": "hinge"}),
    System("future mask", {"causal": True}),
    System("no padding mask", control="padding as steps"),
    System("FD, no padding mask", NO_CA | NO_GD, control="padding as steps"),
    System("no stop-gradient", {"stop_gradient": False}),
    System("margin by label distance", {"margin": 0.15, "margin_by_distance": True}),
    System("last step read out", {"readout": "last"}),
    System("orthogonality over the batch", kind="orthogonality over batch"),
    System("margin across all modalities", kind="margin any modality"),
    System("gate replaces feature", kind="gate replaces"),
    System("HeteroGD pushes apart", kind="hetero pushes apart"),
    System("released choices", CHOICES, prior=True),
    System("released choices and training", CHOICES, "DMD", TRAINING, prior=True),
]
SYSTEMS = {system.name: system for system in _ALL}
# All but ridge searched.
TABLE_1 = ("linear", "ridge", "ridge, absolute error", *MODELS, "MISA, absolute error")
PARTS = ("DMD", "FD + HomoGD + CA", "FD + HomoGD + HeteroGD", "FD + HomoGD", "FD", "none")
TABLE_3 = ("linear", *PARTS)
TABLE_5 = ("linear", "MulT", "MulT + GD, weight 0", "MulT + GD", "DMD")
SIMPLE_MODELS = ("linear", "ridge", *(f"ridge on {m}" for m in MODALITIES))
SIMPLE_MODELS += ("MLP", "task alone", "DMD")
WEIGHTS = ("FD", "FD + HomoGD", "FD + HomoGD, weight 2", "FD + HomoGD, labels unseen")
# Fig. 3 and 4: the paper's name -> system
VARIANTS = {"DMD (w/o Hom., Het.)": "FD + CA", "DMD (w/o Het.)": "FD + HomoGD + CA", "DMD": "DMD"}
EDGE_CONTROLS = (
    "DMD",
    "prior",
    "shuffled labels",
    "shuffled labels, prior",
    "noise",
    "noise, prior",
    "rotated modalities",
    "rotated modalities, prior",
)
CHOICE_CONTROLS = (
    "linear",
    "DMD",
    "weight in its sixth digit",
    "prior",
    "signed orthogonality",
    "hinge orthogonality",
    "future mask",
    "no padding mask",
    "FD",
    "FD, no padding mask",
    "no stop-gradient",
    "margin by label distance",
    "last step read out",
    "orthogonality over the batch",
    "margin across all modalities",
    "gate replaces feature",
    "HeteroGD pushes apart",
    "released choices",
    "released choices and training",
)


@dataclass(frozen=True)
class Experiment:
    """What `dmdlite reproduce NAME` makes, and the systems it needs; with `searched` the paper's
    are tuned. Yardsticks always are."""

    shows: str
    names: tuple[str, ...]
    searched: bool = False

    @property
    def systems(self) -> list[System]:
        """In their order in tables."""
        return [
            System(name, kind=name, searched=True)
            if (self.searched and name in MODELS) or name in YARDSTICKS
            else SYSTEMS[name]
            for name in self.names
        ]


EXPERIMENTS = {
    "table1": Experiment("DMD and the thirteen others, tuned alike; paper: MOSI", TABLE_1, True),
    "table2": Experiment("the same; paper: MOSEI", TABLE_1, True),
    "table3": Experiment("DMD with parts left out", TABLE_3),
    "table4": Experiment("each modality with and without decoupling", ("none", "FD")),
    "table5": Experiment("MulT, MulT with a GD-Unit, DMD", TABLE_5),
    "homogd": Experiment("each modality with and without HomoGD", ("FD", "FD + HomoGD")),
    "simple": Experiment("DMD, its skeleton and simple models", SIMPLE_MODELS),
    "weights": Experiment("HomoGD at several weights: gaps, codes and error", WEIGHTS),
    "fig1a": Experiment("the gap between modalities", ("none", "FD", "FD + HomoGD", "DMD")),
    "fig3": Experiment("t-SNE of the common codes, with numbers", tuple(VARIANTS.values())),
    "fig4": Experiment("t-SNE of the private codes, with numbers", tuple(VARIANTS.values())),
    "fig5": Experiment("edge weights of every clip", ("DMD",)),
    "controls": Experiment(
        "edges against prior, noise and shuffled labels; choices one by one",
        tuple(dict.fromkeys(EDGE_CONTROLS + CHOICE_CONTROLS)),
    ),
    "claims": Experiment(
        "what the paper says of these tables and figures, tested",
        (*TABLE_3, "FD + CA", "MulT", "MulT + GD", "noise"),
    ),
}


def chosen(what: str) -> list[str]:
    """The experiments that a name stands for. Raises ConfigError for an unknown one."""
    if what == "all":
        return list(EXPERIMENTS)
    if what not in EXPERIMENTS:
        raise ConfigError(f"{what}: no such experiment; one of {', '.join(EXPERIMENTS)}, all")
    return [what]


def systems_of(names: list[str], modalities: Sequence[str] = MODALITIES) -> list[System]:
    """Every system that these experiments need on data with these modalities, once."""
    needed = {(s.name, s.searched): s for name in names for s in EXPERIMENTS[name].systems}
    first, *others = (reads_alone(m).name for m in MODALITIES)
    fitting = {first: [reads_alone(m) for m in modalities]} | dict.fromkeys(others, ())
    return [s for system in needed.values() for s in fitting.get(system.name, [system])]


# What about a hundred samples can support.
SMALL_MODEL = {
    "dim": 16,
    "heads": 2,
    "layers": 1,
    "gd_hidden": 16,
    "embed_dropout": 0.2,
    "output_dropout": 0.4,
}
SMALL_TRAINING = {"epochs": 40, "batch_size": 16, "learning_rate": 2e-3, "stop_patience": 10}


def recipe(data: str, folds: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fields of the models' and of TrainConfig that all systems of a sweep share, as far as they
    have them.

    The toy takes the defaults and stops earlier; folds of a small set take SMALL_MODEL and
    SMALL_TRAINING; anything else takes the batches and epochs of the paper (Sec. 4), and the
    size and learning rate of the release for MOSI.
    """
    if folds:
        return dict(SMALL_MODEL), dict(SMALL_TRAINING)
    if data.partition(":")[0] == "toy":
        return {}, {"stop_patience": 6}
    model = {"dim": 50, "heads": 10, "layers": 4}
    return model, {"batch_size": 16, "learning_rate": 1e-4, "epochs": 30}
