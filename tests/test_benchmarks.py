"""What the scripts in benchmarks count, and what is read of a card's answers."""

import json
from pathlib import Path

import pytest
import torch
from common import RELEASED, STEPS, released_batch
from launches import CALL, Launches, launches
from questions import QUESTIONS

from dmdlite import DMD, DMDConfig, seed_everything
from dmdlite.experiments import results
from dmdlite.experiments.results import load_result

ROOT = Path(__file__).resolve().parent.parent


def test_launches_are_counted_and_views_are_not():
    x = torch.ones(2, 3)
    with Launches() as mode:
        y = (x.T.unsqueeze(0)[0, 1:] @ x).relu_()  # product, relu
        y.add_(1).detach().view(-1).expand(2, 6)  # an addition in place
    assert mode.count == 3
    weight = torch.ones(3, 1, requires_grad=True)
    with Launches() as mode:
        (x @ weight).sum().backward()  # product, sum; a one, its expansion's product
    assert mode.count == 4


def test_a_step_of_the_released_size_stays_as_small_as_it_is():
    """2,806 kernels forward and backward when this was written; the released code: 13,942."""
    seed_everything(0)
    counts = launches(DMD(DMDConfig(**RELEASED)).train(), released_batch(STEPS["aligned"]))
    assert counts["forward"] + counts["backward"] <= 2850


def test_calls_in_compiled_code_are_counted_with_and_without_a_result():
    code = """
cpp_fused_add_0 = async_compile.cpp_pybinding(['float*'], '''
    for(int64_t x0=0; x0<1; x0++)
        extern "C" void kernel()
''')
    def call(self, args):
        buf0 = empty_strided_cpu((2, 3), (3, 1), torch.float32)
        cpp_fused_add_0(arg0, buf0)
        extern_kernels.mm(buf0, arg1, out=buf1)
        buf2 = extern_kernels.convolution(buf1, arg2)
        buf3 = torch.ops.aten.sort.stable(buf2)
        buf4 = reinterpret_tensor(buf3[0], (6,), (1,), 0)
"""
    assert len(CALL.findall(code)) == 4


def test_what_is_said_of_launches_was_counted():
    cases = load_result("launches")["cases"]
    said = [
        (ROOT / name).read_text(encoding="utf-8")
        for name in ("benchmarks/README.md", "book/09_training_for_real.ipynb")
    ]
    for case in ("DMD, released size, aligned", "DMD, released size, aligned, compiled"):
        count = f"{sum(cases[case].values()):,}"
        assert all(count in text for text in said), (case, count)


def test_what_only_a_card_can_say_is_said():
    cpu = torch.device("cpu")
    assert dict(QUESTIONS["waits"](cpu, True)) == {"note": "only CUDA can say"}
    assert dict(QUESTIONS["agreement"](cpu, True))["float32"] == {"loss": 0.0, "gradient": 0.0}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of results with none of a card."""
    cases = {"aligned": {"step_s": 0.2}, "unaligned": {"step_s": 1.7}, "toy": {"step_s": 0.1}}
    (tmp_path / "step_time_cpu.json").write_text(json.dumps({"cases": cases}))
    monkeypatch.setattr(results, "BENCHMARKS", tmp_path)
    return tmp_path


def test_costs_without_and_with_a_card(folder):
    costs = results.costs()
    assert list(costs) == ["2 cores"]
    assert costs["2 cores"].dropna().tolist()[:2] == [0.2, 1.7]
    steps = {
        "aligned, 16, CPU": {"step_s": 0.1},
        "aligned, 64, float32, eager": {"step_s": 0.03},
        "aligned, 512, bf16, eager": {"step_s": 0.04},
    }
    graphs = {
        f"unaligned, 16, {how}, graphs": {"step_s": s}
        for how, s in {"float32": 0.006, "bf16": 0.005}.items()
    }
    runs = {"toy, card": {"seconds": 9.5}, "toy, CPU": {"seconds": 8}, "mosi400": {"note": ""}}
    answers = {"steps": steps, "compiling_unaligned": graphs, "runs": runs}
    answers["compiled_run"] = {"complete": True, "toy": {"seconds": 99.5}}
    about = {"card": "X", "threads": 8, "answers": answers}
    (folder / "gpu_X.json").write_text(json.dumps(about))
    costs = results.costs()
    assert list(costs)[1:] == [
        "8 cores",
        "X",
        "X, graphs",
        "X, bf16",
        "X, bf16, graphs",
    ]
    assert costs["8 cores"].dropna().to_dict() == {("aligned", 16): 0.1, results.RUN: 8}
    assert costs["X"].dropna().to_dict() == {("aligned", 64): 0.03, results.RUN: 9.5}
    assert costs["X, bf16"].dropna().to_dict() == {("aligned", 512): 0.04}
    assert costs["X, graphs"].dropna().to_dict() == {("unaligned", 16): 0.006, results.RUN: 99.5}
    assert costs["X, bf16, graphs"].dropna().to_dict() == {("unaligned", 16): 0.005}
