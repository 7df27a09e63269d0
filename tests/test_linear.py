"""The linear model: what it pools, that it is linear, how it is searched and found."""

import pandas as pd
import pytest
import torch

import dmdlite
from dmdlite import ConfigError, TrainConfig, cli
from dmdlite.baselines.linear import Linear
from dmdlite.experiments.search import BUDGET, pooling_points, trials
from dmdlite.experiments.study import Study
from dmdlite.experiments.systems import EXPERIMENTS


@pytest.fixture
def fitted(toy):
    """fitted(pooling) -> a linear model after two epochs."""

    def fit(pooling):
        dmdlite.seed_everything(0)
        model = Linear.for_dataset(toy["train"], pooling=pooling)
        dmdlite.fit(model, toy, TrainConfig(epochs=2, device="cpu", progress=False))
        return model

    return fit


@pytest.mark.parametrize("pooling", ["mean", "sum", "both"])
def test_it_is_one_weight_a_pooled_number(toy, fitted, pooling):
    """By hand, clip by clip: pooled, scaled, weighed, added up."""
    model, data = fitted(pooling), toy["test"]
    found = dmdlite.predict(model, data)
    assert not data.present.all()
    for i in range(len(data)):
        total, at = float(model.out.bias), 0
        for m, norm in model.norms.items():
            x = data.subset([i]).values[m]
            pooled = [x.sum(0) / len(x), x.sum(0)] if len(x) else []
            chosen = pooled if pooling == "both" else pooled[pooling == "sum" :][:1]
            width = norm.num_features
            if len(x):
                scale = (norm.running_var + norm.eps).sqrt()
                z = (torch.cat(chosen) - norm.running_mean) / scale
                total += float(z @ model.out.weight[0, at : at + width])
            at += width
        assert float(found[i]) == pytest.approx(total, abs=1e-4)
    count = sum(data.widths) * (2 if pooling == "both" else 1) + 1
    assert sum(p.numel() for p in model.parameters()) == count


def test_sums_beat_means_on_the_toy_and_both_beat_the_floor():
    """Its label averages over events, of which a long clip has no more than a short one."""
    toy = dmdlite.load_dataset("toy")
    error = {}
    for pooling in ("mean", "sum"):
        dmdlite.seed_everything(0)
        model = Linear.for_dataset(toy["train"], pooling=pooling)
        config = TrainConfig(epochs=12, learning_rate=2e-3, device="cpu", progress=False)
        dmdlite.fit(model, toy, config)
        scores = dmdlite.evaluate(model, toy["test"])
        error[pooling] = scores["mae"]
    assert error["sum"] + 0.02 < error["mean"] < 0.8 * scores["floors"]["mae"]


def test_another_pooling_is_refused(toy):
    with pytest.raises(ConfigError, match="pooling"):
        Linear.for_dataset(toy["train"], pooling="max")


def test_its_poolings_are_searched_wherever_it_stands(toy_folder):
    (linear,) = (s for s in EXPERIMENTS["simple"].systems if s.name == "linear")
    assert linear.searched
    group = trials(linear, Study(str(toy_folder)), BUDGET)
    assert [t.settings["pooling"] for t in group] == ["sum", "mean", "both", "sum"]
    assert len({(p["pooling"], p["learning_rate"]) for p in pooling_points()}) == 6
    assert all("dim" not in t.settings and "dropout" not in t.settings for t in group)


def test_its_search_is_kept_apart_from_the_paper_s_systems(run_script, toy_folder, tmp_path):
    """Their file, of another command, stays as it is."""
    args = ("simple", "--data", toy_folder, "--seeds", 2, "--epochs", 1, "--trials", 2)
    (tmp_path / "out" / "small").mkdir(parents=True)
    kept = tmp_path / "out" / "small" / "search.csv"
    kept.write_text("system\n")
    (tmp_path / "out" / "small" / "table1.json").write_text("{}")
    code, _, _ = run_script(cli.app, "reproduce", *args, "--jobs", 1, "--out", tmp_path / "out")
    assert code == 0
    assert kept.read_text() == "system\n"
    rows = pd.read_csv(kept.with_name("search_yardsticks.csv"))
    assert rows["pooling"].tolist() == ["sum", "mean"]
    assert set(rows["system"]) == {"linear"}
