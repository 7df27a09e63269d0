"""`TrainConfig.compile`: one graph a shape, few shapes, the numbers of the eager step."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch._dynamo.utils import counters

import dmdlite
from dmdlite import ConfigError, TrainConfig, devices
from dmdlite.data.alignment import aligned
from dmdlite.registry import find_model
from dmdlite.training import SHAPES, batch_losses
from tests.conftest import SMALL

STILL = SMALL | {"embed_dropout": 0.0, "output_dropout": 0.0}


@pytest.fixture
def cheap(monkeypatch):
    """Traces as the real compiler does, and runs what was traced as it stands."""
    monkeypatch.setattr(devices, "COMPILER", "eager")
    torch.compiler.reset()
    counters.clear()
    yield
    torch.compiler.reset()


def fresh(data, model="dmd", **settings):
    dmdlite.seed_everything(0)
    return find_model(model).for_dataset(data, **settings)


@pytest.mark.usefixtures("cheap")
@pytest.mark.parametrize(
    ("name", "setting"), [("dmd", "unaligned"), ("dmd", "aligned"), ("mult", "unaligned")]
)
def test_model_and_losses_are_one_graph(toy, name, setting):
    """`fullgraph` refuses whatever cannot be traced. Systems with an LSTM cannot be: PyTorch's
    compiler leaves LSTMs to the library's own kernel."""
    clips = toy["train"].subset(range(8))
    clips = clips if setting == "unaligned" else aligned(clips)
    model, batch = fresh(clips, name, **STILL), clips.batch(range(8))
    traced = torch.compile(batch_losses, fullgraph=True, dynamic=False, backend="aot_eager")
    losses, expected = traced(model, batch), batch_losses(model, batch)
    losses["total"].backward()
    gradients = [p.grad.clone() for p in model.parameters() if p.grad is not None]
    model.zero_grad()
    expected["total"].backward()
    torch.testing.assert_close(losses, expected)
    torch.testing.assert_close(
        gradients, [p.grad for p in model.parameters() if p.grad is not None]
    )


@pytest.mark.usefixtures("cheap")
def test_an_epoch_compiles_few_graphs_and_learns_the_same(toy):
    splits = {k: toy[k].subset(range(n)) for k, n in (("train", 58), ("valid", 20))}
    assert len({tuple(b.masks["audio"].shape) for b in splits["train"].batches(8)}) > SHAPES
    histories = []
    for compile in (True, False):
        model = fresh(splits["train"], **STILL)
        config = TrainConfig(epochs=2, batch_size=8, device="cpu", progress=False, compile=compile)
        histories.append(dmdlite.fit(model, splits, config))
        if compile:  # the last batch, of 2, is not
            assert 1 <= counters["stats"]["unique_graphs"] <= SHAPES
    for compiled, eager in zip(*histories, strict=True):
        assert compiled == pytest.approx(eager, rel=1e-4, abs=1e-5)


@settings(max_examples=25)
@given(
    size=st.integers(1, 9),
    shapes=st.integers(1, 6),
    seed=st.integers(0, 99),
    grid=st.booleans(),
)
def test_batches_come_in_so_many_shapes_and_hold_the_same(toy, size, shapes, seed, grid):
    data = aligned(toy["train"]) if grid else toy["train"]
    order = torch.randperm(64, generator=torch.Generator().manual_seed(seed))
    found = set()
    for index in order.split(size):
        plain, padded = data.batch(index), data.batch(index, shapes)
        for m, x in plain.features.items():
            steps = x.shape[1]
            assert padded.features[m][:, :steps].equal(x)
            assert padded.masks[m][:, :steps].equal(plain.masks[m])
            assert not padded.masks[m][:, steps:].any()
            assert not padded.features[m][:, steps:].any()
            assert padded.features[m].shape[1] <= data.lengths(m).max()
        found.add(tuple(x.shape[1] for x in padded.features.values()))
    assert len(found) <= shapes


def test_where_no_compiler_works_one_line_says_so(toy, monkeypatch):
    def broken(graph, inputs):
        raise RuntimeError("no C++ compiler\nat all")

    monkeypatch.setattr(devices, "COMPILER", broken)
    clips = toy["train"].subset(range(8))
    step = devices.compiled(batch_losses, torch.device("cpu"), graphs=True)
    with pytest.raises(ConfigError, match=r"^compile: PyTorch's compiler does not work here"):
        step(fresh(clips, **STILL), clips.batch(range(8)))
    torch.compiler.reset()
