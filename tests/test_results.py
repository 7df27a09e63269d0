"""Committed measurements: found in the checkout, fetched where there is none."""

import json

import pytest

from dmdlite.experiments.systems import results
from tests.file_server import serving


def test_a_result_of_the_checkout():
    runs = results.load_result("ablation")["runs"]
    assert {run["seed"] for run in runs if run["row"] == "FD"} == set(range(10))


def test_files_are_fetched_when_there_is_no_checkout(tmp_path, monkeypatch):
    (tmp_path / "some.json").write_text(json.dumps({"runs": [1]}))
    (tmp_path / "table9.csv").write_text("system,mae\nDMD,0.5\n")
    with serving(tmp_path) as server:
        monkeypatch.setattr(results, "REMOTE", server.url)
        assert results.load_result("some") == {"runs": [1]}
        rows = results.load_rows("small", "table9")
        assert rows.to_dict("records") == [{"system": "DMD", "mae": 0.5}]
        with pytest.raises(OSError, match="404"):
            results.load_result("nosuch")
