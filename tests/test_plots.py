"""Figures whose content can be read back: grids, stems, runs, and the slider of frames."""

import io
import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from dmdlite import plots
from dmdlite.plots import slider
from dmdlite.plots.sweeps import code_map, edge_names, edge_violins


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
    drawn = []
    found = slider(lambda ax, v: drawn.append(v), [0, 1, 2], 'three "steps"')
    player = found._repr_html_()
    pictures = re.findall("<img [^>]*>", player)
    assert drawn == [0, 1, 2]
    assert all('alt="three &quot;steps&quot;"' in picture for picture in pictures)
    assert [" hidden " in picture for picture in pictures] == [False, True, True]
    assert 'max="3"' in player
    assert "http" not in player


@pytest.mark.parametrize(("count", "shown"), [(1, [0]), (3, [0, 1, 2]), (10, [0, 3, 6, 9])])
def test_on_paper_up_to_four_frames_stand_side_by_side(count, shown):
    found = slider(lambda ax, v: ax.set_title(str(v)), list(range(count)), "steps", size=(2, 1))
    sheet = np.asarray(Image.open(io.BytesIO(found._repr_png_())))
    frames = [np.asarray(Image.open(io.BytesIO(p)).convert("RGB")) for p in found.pictures]
    height, width, _ = frames[0].shape
    for i, frame in enumerate(shown):
        row, column = i // 2 * height, i % 2 * width
        assert (sheet[row : row + height, column : column + width] == frames[frame]).all()


def test_edges_are_named_by_letters_that_tell_them_apart():
    edges = [("language", "vision"), ("vision", "language")]
    assert edge_names(edges) == ["L→V", "V→L"]
    edges = [("voice", "vision"), ("vision", "voice")]
    assert edge_names(edges) == ["voice→vision", "vision→voice"]


def test_system_dots_show_every_seed_and_the_mean():
    (ax,) = plots.system_dots({"a": [0.5, 0.7], "b": [0.9, 0.9]}, "MAE", floor=1.2).axes
    assert ax.lines[0].get_xdata().tolist() == [0.5, 0.7]
    assert ax.lines[1].get_xdata() == pytest.approx([0.6])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]


def test_maps_and_violins_have_a_panel_each():
    points = pd.DataFrame(
        {
            "system": ["s", "s", "t", "t"],
            "x": range(4),
            "y": range(4),
            "class": [-3, 3, 0, 1],
            "name": ["voice", "face"] * 2,
        }
    )
    figure = code_map(points, "class")
    assert [ax.get_title() for ax in figure.axes[:2]] == ["s", "t"]
    assert figure.axes[1].collections[0].get_offsets().tolist() == [[2, 2]]
    weights = pd.DataFrame(
        {
            "unit": ["homo"] * 6 + ["hetero"] * 6,
            "edge": ["a→b", "b→a"] * 6,
            "weight": np.linspace(0, 1, 12),
        }
    )
    assert [ax.get_title() for ax in edge_violins(weights).axes] == ["HomoGD", "HeteroGD"]
