"""Every chapter's exercises: stubs say that they are not written, solutions pass their checks."""

import numpy as np
import pandas as pd
import pytest
import torch

from dmdlite.checks import returned
from tests.chapters import chapter, solved

EXERCISES = {  # chapter -> check -> what it checks (a tuple: several answers)
    "01_three_voices": {"check_last": "last_real_step", "check_inputs": "unit_inputs"},
    "02_keeping_score": {
        "check_has_zero": "has_zero_scores",
        "check_share": "share_not_ahead",
        "check_unimodal": "unimodal_scores",
    },
    "03_temporal_convolutions": {
        "check_matrices": ("valid_matrix", "causal_matrix"),
        "check_standardized": "standardized",
        "check_unit_features": "unit_features",
    },
    "04_decoupling": {
        "check_split": "split_by_truth",
        "check_gap": "mean_gap",
        "check_steady": "steady_regression",
    },
    "05_margin_and_orthogonality": {
        "check_distance": "distance_margin_loss",
        "check_redundancy": "redundancy",
        "check_directions": "direction_logits",
    },
    "06_gd_units": {
        "check_loops": "loss_by_loops",
        "check_top_k": "top_k",
        "check_entropy": "train_with_entropy",
        "check_better": "MyBetterGDUnit",
    },
    "07_cross_modal_attention": {
        "check_attention": "attention_by_loops",
        "check_seconds": "mask_in_seconds",
        "check_prior": "sharpness_prior",
    },
    "08_whole_objective": {
        "check_gates": "modality_gates",
        "check_parameters": "reinforcement_parameters",
        "check_total": "total_with",
    },
    "09_training_for_real": {
        "check_stopping": "stopping",
        "check_accumulate": "accumulate",
        "check_rates": "two_rates",
    },
    "10_reading_the_model": {
        "check_silhouette": "silhouette",
        "check_pairs": "pair_errors",
        "check_sensitivity": "edge_sensitivity",
    },
    "11_the_tables": {
        "check_flip": "sign_flip_p",
        "check_seeds": "seeds_needed",
        "check_gap": "gap_closed",
    },
    "12_paper_against_code": {
        "check_share": "expected_share",
        "check_hidden": "hidden_share",
        "check_place": "by_place",
    },
    "13_the_field": {
        "check_factors": "factors",
        "check_ahead": "ahead",
        "check_pairwise": "pairwise_products",
    },
    "14_where_it_pays": {
        "check_pseudo": "pseudo_labels",
        "check_reported": "reported",
        "check_trend": "trend",
        "check_nearest": "nearest_teaches",
    },
}


def several(answer):
    return answer if isinstance(answer, tuple) else (answer,)


@pytest.fixture(scope="module", params=EXERCISES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def ns(name):
    return chapter(name)


def test_no_check_is_forgotten(name, ns):
    assert {key for key in ns if key.startswith("check_")} == set(EXERCISES[name])


def test_every_stub_says_not_written_yet(name, ns, capsys):
    for check, answer in EXERCISES[name].items():
        ns["attempt"](ns[check], *(ns[a] for a in several(answer)))
    assert capsys.readouterr().out.splitlines() == ["not written yet"] * len(EXERCISES[name])


def test_every_solution_is_accepted(name, ns, capsys):
    answers = solved(name, ns)
    for check, answer in EXERCISES[name].items():
        assert all(answers[a] is not ns[a] for a in several(answer))
        ns["attempt"](ns[check], *(answers[a] for a in several(answer)))
    assert capsys.readouterr().out.splitlines() == ["correct"] * len(EXERCISES[name])


@pytest.mark.parametrize(
    "answer",
    [
        torch.tensor([1.0, 2.0], requires_grad=True),
        torch.tensor([1, 2]),
        np.array([1.0, 2.0]),
        pd.Series([1.0, 2.0], index=["a", "b"]),
        [1, 2.0],
        [torch.tensor(1.0), 2],
    ],
    ids=str,
)
def test_a_right_answer_is_taken_in_any_dress(answer):
    found = returned(answer, 2)
    assert (found.dtype, found.tolist(), found.requires_grad) == (torch.float32, [1, 2], False)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (None, "it returned None: is a `return` missing?"),
        ((torch.ones(2), torch.ones(2)), "one tensor, not a tuple"),
        ({"a": 1.0}, "one tensor, not a dict"),
        ([torch.ones(2), torch.ones(2)], "one tensor, not a list"),
        (torch.ones(3), "expected shape [2], got shape [3]"),
        (1.0, "expected shape [2], got shape []"),
    ],
)
def test_what_is_no_answer_is_told(answer, message):
    with pytest.raises(AssertionError) as told:
        returned(answer, 2)
    assert str(told.value) == message
    with pytest.raises(AssertionError, match="expected one number, got shape"):
        returned(torch.ones(1))
