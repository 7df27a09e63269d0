"""The checks of a GD-Unit bite: each planted fault is named, and no right unit is refused."""

import json
import re
from pathlib import Path

import pytest
import torch
from torch import nn

import dmdlite
from dmdlite import checks
from dmdlite.checks import GD_UNIT, Check, brute_force, check_gd_unit, require, run
from dmdlite.checks.building import close
from dmdlite.checks.values import reference_locked
from tests.zoo import RIGHT, WRONG
from tests.zoo.right import Plain

pytest_plugins = ["pytester"]


@pytest.mark.parametrize("unit", RIGHT, ids=lambda u: u.__name__)
def test_right_units_are_accepted(unit):
    report = run(GD_UNIT, unit)
    assert report.passed, str(report)


@pytest.mark.parametrize(("unit", "name"), WRONG, ids=[f"{u.__name__}" for u, _ in WRONG])
def test_wrong_units_are_refused_for_the_right_reason(unit, name):
    report = run(GD_UNIT, unit)
    assert report.failed, "accepted"
    assert report.failed[0] == name, str(report)


def test_the_zoo_is_large_and_no_check_is_idle():
    assert len(WRONG) >= 90
    assert len(RIGHT) >= 20
    assert {name for _, name in WRONG} == {check.name for check in GD_UNIT}


def test_the_library_s_own_unit_fails_nothing_but_own_work():
    assert run(GD_UNIT, dmdlite.GDUnit).failed == ["own work"]


def test_every_check_points_to_a_section_that_exists():
    book = Path(__file__).resolve().parent.parent / "book"
    for check in GD_UNIT:
        if not check.read.startswith("chapter"):
            assert check.read == "the notation page, Axes"
            continue
        chapter, part = check.read.removeprefix("chapter ").split(", ")
        (path,) = book.glob(f"{int(chapter):02}_*.ipynb")
        text = "".join("".join(c["source"]) for c in json.loads(path.read_text())["cells"])
        heading = part.replace("Section ", "## ") + ". " if "Section" in part else f"### {part} "
        assert heading in text, check.read


def test_one_line_a_property_says_expected_got_and_where_to_read(capsys):
    class Wrong(Plain):
        def total(self, w, eps):
            return (w * eps).mean()

    report = check_gd_unit(Wrong)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(GD_UNIT)
    (line,) = [x for x in lines if x.startswith("NOT   loss:")]
    expected, got = map(float, re.search(r"expected (\d+\.\d+), got (\d+\.\d+)", line).groups())
    assert got == pytest.approx(expected / 9, abs=1e-3)  # a mean over nine places for a sum
    assert line.endswith("Read again: chapter 6, Section 4")
    assert lines[0] == "ok    interface"
    assert repr(report) == "19 of 26 properties hold"


def test_a_stub_is_not_written_yet_and_nothing_else_is_tried(capsys):
    class Stub(nn.Module):
        def __init__(self, feature_dim, num_modalities=3):
            raise NotImplementedError

    assert check_gd_unit(Stub).failed == ["interface"]
    assert capsys.readouterr().out == (
        "NOT   interface: not written yet. Read again: chapter 6, Section 7\n"
    )


def test_chapter_s_unit_without_options_is_checked_without_them(capsys):
    class Small(Plain):
        def __init__(self, feature_dim, hidden_dim=8):
            super().__init__(feature_dim, hidden_dim=hidden_dim)

        def forward(self, x):
            return super().forward(x)

    options = (
        "per target",
        "prior",
        "missing modality",
        "softmax of those there",
        "prior of those there",
    )
    assert check_gd_unit(Small, skip=options).passed
    assert check_gd_unit(Small).failed == list(options)
    assert "unexpected keyword argument" in capsys.readouterr().out


def test_unknown_names_to_skip_are_refused():
    with pytest.raises(ValueError, match=r"no check named \['priors'\]"):
        check_gd_unit(Plain, skip=["priors"])


@pytest.mark.parametrize("answer", [None, Plain(6), torch.zeros(2), "GDUnit", dict])
def test_what_is_no_class_of_module_is_refused(answer):
    report = run(GD_UNIT, answer)
    assert report.failed == ["interface"]
    assert "expected a" in str(report)


def test_pytest_runs_the_checks(pytester):
    pytester.makepyfile(
        """
        import pytest
        from dmdlite.checks import GD_UNIT
        from torch import nn

        class Empty(nn.Module):
            def __init__(self, feature_dim):
                super().__init__()

        @pytest.mark.parametrize("check", GD_UNIT[:1], ids=str)
        def test_my_unit(check):
            check(Empty)
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.stdout.fnmatch_lines(["*test_my_unit?interface?*"])
    assert result.ret == 1


def test_the_checks_do_not_use_the_library_s_equations():
    with reference_locked():
        assert run(GD_UNIT, Plain, skip=["own work"]).passed
        with pytest.raises(AssertionError, match="own GD-Unit"):
            dmdlite.gd_unit.discrepancy(torch.zeros(1, 2))
    assert dmdlite.gd_unit.discrepancy(torch.zeros(1, 2)).shape == (1, 2, 2)


def test_brute_force_by_hand():
    """Section 4 of chapter 6: logits 2, 0.5, -0.5 and six weights give 1.70."""
    z = torch.tensor([[2.0, 0.5, -0.5]])
    w = torch.tensor([[[0.0, 0.4, 0.2], [0.1, 0.0, 0.1], [0.1, 0.1, 0.0]]])
    assert brute_force.loss(z, w) == pytest.approx(1.70)
    assert brute_force.gaps(z)[0].tolist() == [[0, 1.5, 2.5], [1.5, 0, 1], [2.5, 1, 0]]


def test_close_names_the_worst_place_and_sees_nan():
    a = torch.zeros(2, 3)
    for wrong in (float("nan"), 0.3):
        b = a.clone()
        b[1, 2] = wrong
        with pytest.raises(AssertionError, match=rf"x: expected 0.0000 at \[1, 2\], got {wrong}"):
            close(b, a, "x")
    with pytest.raises(AssertionError, match=r"expected shape \[2, 3\], got \[3, 2\]"):
        close(a.T, a, "x")


def test_any_answer_that_raises_is_one_line():
    def test(_):
        raise KeyError("a\nb")

    (result,) = run([Check("x", "y", test)], None)
    assert result.line == "NOT   x: raised KeyError: 'a\\nb'. Read again: y"
    assert checks.Report([result]).failed == ["x"]


class QueriesAndKeys(dmdlite.GDUnit):
    """A g of its own, beside the layers of Eq. 8, which it leaves aside."""

    def __init__(self, feature_dim, num_modalities=3, **options):
        super().__init__(feature_dim, num_modalities, **options)
        self.query, self.key = nn.Linear(feature_dim, 4), nn.Linear(feature_dim, 4)

    def edge_scores(self, features, logits):
        x = features.detach()
        return self.query(x) @ self.key(x).transpose(1, 2)


class Unlearned(QueriesAndKeys):
    def edge_scores(self, features, logits):
        return super().edge_scores(features, logits).detach()


def test_a_g_of_ones_own_may_leave_the_layers_of_eq_8_aside():
    require(QueriesAndKeys, "edge function learns", "graph not bent")
    with pytest.raises(AssertionError, match="expected the loss to train g"):
        require(Unlearned, "edge function learns")
