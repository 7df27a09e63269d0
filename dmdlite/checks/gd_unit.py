"""The properties of a GD-Unit (Eq. 7-9, Chapter 6), and what tries them on a class.

What is called: `unit_class(feature_dim, num_modalities=M, normalize=..., prior=...)`, where
`num_modalities` is left out if the constructor does not take it and the other two come up only in
the checks that need them; then `unit(features [B, M, F])`, or `unit(features, present [B, M])`.
What must come back: (logits [B, M], weights [B, M, M], discrepancy [B, M, M], loss []), row =
from, column = to. Linear layers named `logit`, `node` and `edge` are held to Eq. 8 to the letter.
"""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn

from . import options, training, values
from .report import Check, Report, known, run


def _chapter(section: int) -> str:
    return f"chapter 6, Section {section}"


GD_UNIT = (
    Check("interface", _chapter(7), values.interface),
    Check("own work", _chapter(7), values.own_work),
    Check("shape", "the notation page, Axes", values.shape),
    Check("input untouched", "the notation page, Axes", values.input_untouched),
    Check("same twice", _chapter(7), values.same_twice),
    Check("finite", _chapter(6), values.finite),
    Check("logits", _chapter(2), values.logits),
    Check("samples apart", _chapter(4), values.samples_apart),
    Check("zero diagonal", _chapter(6), values.zero_diagonal),
    Check("normalisation", _chapter(6), values.normalisation),
    Check("gaps", _chapter(3), values.gaps),
    Check("loss", _chapter(4), values.loss),
    Check("number of modalities", _chapter(7), values.number_of_modalities),
    Check("edge scores", _chapter(6), values.edge_scores),
    Check("permutation", _chapter(7), values.permutation),
    Check("parameters registered", _chapter(7), training.registered),
    Check("students only", _chapter(5), training.students_only),
    Check("graph not bent", _chapter(7), training.graph_not_bent),
    Check("logits learn", _chapter(2), training.logits_learn),
    Check("edge function learns", _chapter(7), training.edge_function_learns),
    Check("loss moves students", _chapter(5), training.loss_moves_students),
    Check("per target", "chapter 6, Exercise 1", options.per_target),
    Check("prior", _chapter(10), options.prior),
    Check("missing modality", "chapter 1, Section 3", options.missing_modality),
    Check("softmax of those there", _chapter(6), options.softmax_of_those_there),
    Check("prior of those there", _chapter(10), options.prior_of_those_there),
)


def check_gd_unit(unit_class: type[nn.Module], skip: Iterable[str] = ()) -> Report:
    """Print one line for each property of a GD-Unit: ok, or what was expected, what came, and
    which section to read again.

    unit_class  called as the module's docstring says
    skip        names of properties that are not asked for, e.g. ("per target", "prior")

    Returns the Report: `.passed`, `.failed`. Raises ValueError for an unknown name in `skip`.
    """
    report = run(GD_UNIT, unit_class, skip)
    print(report)
    return report


def require(unit_class: type[nn.Module], *names: str) -> None:
    """The checks of these names as one assertion, for a test that asks for some of them.

    Raises AssertionError with the lines of those that fail, ValueError for an unknown name or
    for none.
    """
    wanted = known(names, GD_UNIT)
    if not wanted:
        raise ValueError(f"name at least one check; there are {[str(c) for c in GD_UNIT]}")
    report = run([check for check in GD_UNIT if check.name in wanted], unit_class)
    assert report.passed, "\n".join(result.line for result in report if result.problem)
