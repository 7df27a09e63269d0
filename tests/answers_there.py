"""A submission that tests ask, as it would stand in a notebook, and the process that holds it."""

from pathlib import Path

import pytest

from dmdlite.grading.process import SubmissionProcess
from dmdlite.grading.sandbox import Limits

ANSWERS = """
from collections import namedtuple
from dataclasses import dataclass
import dmdlite, torch
import numpy as np
from torch import nn
from tests.zoo import RIGHT, WRONG

class Mine(dmdlite.GDUnit):
    def __init__(self, *args, price=0.5, **options):
        super().__init__(*args, **options)
        self.price = price

    def weigh(self, scores, edges):
        self.seen = scores.shape
        return super().weigh(scores, edges)

class Lazy(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.ModuleDict({"first": nn.LazyLinear(3), "norm": nn.BatchNorm1d(3)})
        self.scale = nn.Parameter(torch.ones(3), requires_grad=False)

    def forward(self, x):
        return self.body["norm"](self.body["first"](x)) * self.scale

def same(x):
    return x

Pair = namedtuple("Pair", "first second")

def things(x):
    return {"pair": Pair(1, [2.5, None]), 3: (x, {True}), "text": "\\ud800", "array": np.arange(3)}

def spoil(x, y, words, data):
    x += 1
    y[0] = 7
    words.append("more")
    data["new"] = x
    return None

def fails(kind):
    raise {"value": ValueError, "own": type("Own", (KeyError,), {}), "exit": SystemExit}[kind]("so")

def train(unit):
    with torch.no_grad():
        unit.logit.bias.fill_(5.0)

def half(dataset):
    for part in (dataset.values, dataset.offsets, dataset.steps):
        if "audio" in part:
            part["extra"] = part["audio"]
    return dataset.subset(range(2))

def fitted(dataset):
    config = dmdlite.DMDConfig.for_dataset(dataset, dim=8, heads=2, layers=1)
    return dmdlite.DMD(config).eval()

def loop():
    while True:
        pass

class Borrows(nn.Module):
    def __init__(self, feature_dim, num_modalities=3):
        super().__init__()
        self.inner = dmdlite.GDUnit(feature_dim, num_modalities)

    def forward(self, features, present=None):
        return self.inner(features, present)

RIGHT_UNITS, WRONG_UNITS = RIGHT, [unit for unit, _ in WRONG]

def sparse():
    return torch.eye(3).to_sparse()

def noise():
    return torch.rand(1).item(), np.random.rand()

@dataclass
class Output:
    value: torch.Tensor
    other: int = 3

class Indirect(nn.Module):
    def __init__(self):
        super().__init__()
        self.own = nn.ParameterDict({"theta": nn.Parameter(torch.tensor(1.0))})

    @property
    def theta(self):
        return self.own["theta"]

    def forward(self, x):
        return Output(self.theta * x)

def backwards(x):
    return x.argsort()[::-1], x.astype(">f4")[::-1]

class Keeps:
    def __init__(self):
        self.kept = 3
"""


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    """theirs(name) -> what a test sees of the submission ANSWERS; .process is its process."""
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parent.parent))
    with SubmissionProcess(tmp_path_factory.mktemp("theirs"), Limits()) as process:
        assert process.run(ANSWERS, 60) == ""

        def look(name):
            (found,) = process.ask("look", name=name)
            return found

        look.process = process
        yield look
    monkeypatch.undo()
