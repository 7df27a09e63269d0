"""Figures whose content can be read back: grids, stems, runs, and the slider of frames."""

import numpy as np
import pytest

from dmdlite import plots
from dmdlite.frames import frames


def test_stems_share_an_axis_and_show_every_value():
    figure = plots.stems({"a": [1.0, -2.0], "b": [0.0, 3.0, 4.0]}, mark_step=1)
    first, second = figure.axes
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["a", "b"]
    assert first.get_shared_x_axes().joined(first, second)
    assert second.lines[0].get_ydata().tolist() == [0.0, 3.0, 4.0]


def test_grids_write_their_numbers_and_centre_signed_colours():
    figure = plots.grids({"m": [[1.0, -0.5], [0.0, 2.0]]}, "x", "y", signed=True)
    ax = figure.axes[0]
    assert [t.get_text() for t in ax.texts] == ["1.00", "-0.50", "0.00", "2.00"]
    assert ax.collections[0].get_clim() == (-2.0, 2.0)
    unsigned = plots.grids({"m": np.eye(3)}, "x", "y", fmt=None)
    assert unsigned.axes[0].collections[0].get_clim()[0] == 0
    assert not unsigned.axes[0].texts


def test_runs_join_means_and_show_every_run():
    figure = plots.runs([1, 10], {"a": [[1.0, 3.0], [2.0, 4.0]]}, "x", "y", floor=5.0)
    mean, dots, floor = figure.axes[0].lines
    assert mean.get_ydata().tolist() == [2.0, 3.0]
    assert sorted(dots.get_ydata().tolist()) == [1.0, 2.0, 3.0, 4.0]
    assert floor.get_ydata()[0] == 5.0


def test_frames_hold_one_picture_a_value_and_words():
    pytest.importorskip("IPython")
    drawn = []
    player = frames(lambda ax, v: drawn.append(v), [0, 1, 2], 'three "steps"').data
    assert player.count("data:image/png") == 3
    assert set(drawn) == {0, 1, 2}
    assert 'aria-label="three &quot;steps&quot;"' in player
