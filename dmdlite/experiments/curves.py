"""The map: one dial turned, arms paired by draw, a guess stated before (Chapter 14).

A curve has its own question, world, arms and contrast. Every graph tries its weights, 0 among them,
and validation chooses, draw by draw, by the measure that is compared; `slopes` reads what came out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..baselines.linear import POOLINGS
from ..data.worlds import turn
from .runs import Run
from .study import Study
from .systems import System

DRAWS, EPOCHS = 10, 1000
# Where few clips are labelled, an epoch of a model that sees these alone is a step or two.
PATIENT = {"stop_patience": 40, "plateau_patience": 25}
WEIGHTS = (0.5, 2.0)  # of what an arm adds, besides 0
FD = {"cross_attention": False, "hetero_gd": False}
BARE = FD | {"homo_gd": False, "decoupling": False}


UNTAUGHT = FD | {"lambda_ddl": 0.0}
NOBODY = System("weight 0", UNTAUGHT)


def weighed(kind: str, prior: bool = False) -> tuple[System, ...]:
    """What an arm tries: the skeleton with decoupling, untaught and taught with every weight."""
    return NOBODY, *(System(kind, FD | {"lambda_ddl": w}, kind, prior=prior) for w in WEIGHTS)


ARMS: dict[str, tuple[System, ...]] = {
    "ridge": (System("ridge", kind="ridge"),),
    "linear": tuple(System("linear", {"pooling": p}, "linear") for p in POOLINGS),
    "nobody teaches": (NOBODY,),
    "uniform graph": weighed("uniform graph"),
    "learned graph": weighed("DMD"),
    "learned graph, prior": weighed("DMD", prior=True),
    "another clip's graph": weighed("another clip's graph"),
    "language teaches": weighed("language teaches"),
    "best teaches": weighed("best teaches"),
    "fusion teaches": weighed("fusion teaches"),
    "who errs less teaches": weighed("who errs less teaches"),
    "bare": (System("bare", BARE),),
    "decoupling": (NOBODY,),
    "attention": (System("attention", BARE | {"cross_attention": True}),),
    "both": (System("both", FD | {"cross_attention": True, "homo_gd": False}),),
    "DMD": (System("DMD"),),
    "TFN": (System("TFN", kind="TFN"),),
    "FDMER": (System("FDMER", kind="FDMER"),),
    "no margin": (System("no margin", UNTAUGHT, "no margin"),),
    "modality dropout": (System("modality dropout", UNTAUGHT, "modality dropout"),),
    "what shifts taken out": (System("taken out", BARE, control="without what shifts"),),
}


@dataclass(frozen=True)
class Curve:
    """One question of the map.

    `contrast` is (arm, base): the arm's measure minus the base's. `control` is (arm, base, dose):
    the arm must beat the base at that dose if the world has room; where it does not, the curve
    says nothing.
    """

    asks: str
    dial: str  # of World, "labelled", or "train": how many clips
    doses: tuple[float, ...]
    arms: tuple[str, ...]
    contrast: tuple[str, str]
    control: tuple[str, str, float]
    predicted: str  # before the runs
    measure: str = "mae"
    labelled: int | None = None
    fixed: str = ""  # other parts of the world's name, "train=400,noise=2"
    spelling: str = "{dial}={dose:g}"  # of a dose in the world's name
    tested: bool = False  # only the test split is another world's

    def study(self, dose: float, draw: int, shared: Study) -> Study:
        """The study of a dose; from `shared` it has its settings and its device."""
        turned, labelled = self.spelling.format(dial=self.dial, dose=dose), self.labelled
        if self.dial == "labelled":
            turned, labelled = "", int(dose)
        data = turn("toy", ",".join([turned * (not self.tested), self.fixed]))
        training = {"epochs": EPOCHS} | dict(shared.training)  # who stops, stops by itself
        found = replace(shared, data=data, draw=draw, labelled=labelled)
        found = replace(found, training=tuple(training.items()))
        return replace(found, tested=turned if self.tested else "")


_GRAPHS = (
    "ridge",
    "linear",
    "nobody teaches",
    "uniform graph",
    "learned graph",
    "another clip's graph",
)
_GRAPHS += ("language teaches", "who errs less teaches", "best teaches")
CURVES = {
    "graph": Curve(
        "Is the learned graph worth more than a uniform one, where who can be trusted is seen?",
        "reliability",
        (0.0, 0.5, 1.0, 1.5),
        _GRAPHS,
        ("learned graph", "uniform graph"),
        ("best teaches", "language teaches", 1.5),
        predicted="No change: weight goes where modalities agree, not to who is right.",
        measure="weak_corr",
        labelled=60,
    ),
    "labels": Curve(
        "With few labels and many clips, who should teach?",
        "labelled",
        (30, 60, 120, 250),
        (*_GRAPHS[:5], "learned graph, prior", *_GRAPHS[6:8], "fusion teaches"),
        ("learned graph", "language teaches"),
        ("language teaches", "nobody teaches", 30),
        predicted="Language ahead by 0.05 of correlation at 30 labels, level at 250.",
        measure="weak_corr",
    ),
    "binding": Curve(
        "Does attention pay where the sentiment lies in two modalities of one event?",
        "binding",
        (0.0, 0.1, 0.3, 1.0),
        ("ridge", "linear", "bare", "decoupling", "attention", "both", "TFN"),
        ("attention", "bare"),
        ("both", "linear", 1.0),
        predicted="Level at 0, attention ahead by 0.1 at 1.",
    ),
    "clips": Curve(
        "Where does a network leave the linear model?",
        "train",
        (250, 1000, 2000, 4000),  # 16,000, DMD, MulT and LF-LSTM are a day of two cores
        ("ridge", "linear", "bare", "attention"),
        ("attention", "linear"),
        ("bare", "linear", 4000),
        predicted="Behind at 250, level at 4,000, ahead by 0.03 at 16,000.",
    ),
    "label noise": Curve(
        "Does distillation pay where labels are wrong?",
        "label_noise",
        (0.0, 0.5, 1.0, 2.0),
        ("ridge", "linear", "bare", "nobody teaches", "learned graph", "language teaches", "DMD"),
        ("learned graph", "nobody teaches"),
        ("language teaches", "nobody teaches", 2.0),
        predicted="No change: what is distilled carries the same errors as the labels.",
    ),
    "missing at test": Curve(
        "Does a shared space, or distillation, help where language is missing at test alone?",
        "missing",
        (0.06, 0.25, 0.5, 0.75),
        ("ridge", "linear", "no margin", "nobody teaches", "learned graph", "modality dropout"),
        ("learned graph", "nobody teaches"),
        ("modality dropout", "nobody teaches", 0.75),
        predicted="No change from distillation; modality dropout gains 0.1 at the last dose.",
        spelling="missing={dose:g}:0.04:0.04",
        tested=True,
    ),
    "speaker shift": Curve(
        "Does decoupling help where what goes with the label in training turns round at test?",
        "shift",
        (0.0, 0.3, 0.6, 0.9),
        ("ridge", "linear", "bare", "decoupling", "FDMER", "what shifts taken out"),
        ("decoupling", "bare"),
        ("what shifts taken out", "bare", 0.9),
        predicted="No change: nothing in the losses says which factor may not be used.",
    ),
}


def tried(curve: Curve, arm: str) -> tuple[System, ...]:
    """The systems among which validation chooses; of few labels the linear model is PATIENT."""
    few = curve.labelled or curve.dial == "labelled"
    return tuple(
        replace(s, training=PATIENT) if few and s.kind == "linear" else s for s in ARMS[arm]
    )


def planned(curve: Curve, draws: int, shared: Study) -> list[Run]:
    """Every run of a curve, draw by draw; what several arms try is there several times."""
    return [
        Run(curve.study(dose, draw, shared), system, draw)
        for draw in range(draws)
        for dose in curve.doses
        for arm in curve.arms
        for system in tried(curve, arm)
    ]
