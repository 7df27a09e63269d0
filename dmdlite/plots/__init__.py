"""Every figure of the book, one function each, in one style.

A function returns a matplotlib Figure, or draws on Axes that it is given (`draw_...`); `slider`
returns HTML, as the interactive ones in `plots.playgrounds` do.
"""

from .arrays import grids, runs, stems
from .circle import circle, draw_circle
from .data import data_overview, label_histogram, padding, padding_layouts, sequences, timeline
from .diagrams import dataflow, overview
from .graphs import distillation_graphs, draw_graph, edge_curves, edge_matrices, logit_moves
from .scores import intervals, learning_curves, lines, prediction_scatter, score_bars
from .sliders import slider
from .sweeps import code_map, edge_grid, edge_names, edge_violins, system_dots
from .systems import system_diagram

__all__ = [
    "circle",
    "code_map",
    "data_overview",
    "dataflow",
    "distillation_graphs",
    "draw_circle",
    "draw_graph",
    "edge_curves",
    "edge_grid",
    "edge_matrices",
    "edge_names",
    "edge_violins",
    "grids",
    "intervals",
    "label_histogram",
    "learning_curves",
    "lines",
    "logit_moves",
    "overview",
    "padding",
    "padding_layouts",
    "prediction_scatter",
    "runs",
    "score_bars",
    "sequences",
    "slider",
    "stems",
    "system_diagram",
    "system_dots",
    "timeline",
]
