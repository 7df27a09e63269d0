"""What a face does, RATE times a second: pose, brows, eyes, mouth, from MediaPipe's face mesh.

The mesh gives 478 points of a face. Their positions are taken into the face's own axes (to its
left, up, out of the face), with the distance between the outer corners of the eyes as the unit:
so neither where the head is in the picture, nor how large, nor how it is turned, is in them.
Left and right are the person's own.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np

from .media import needed

RATE = 10  # steps a second
LEFT_EYE, RIGHT_EYE, FOREHEAD, CHIN = 263, 33, 10, 152  # points of the mesh: outer corners, middle
LEFT, UP, OUT = 0, 1, 2  # axes of the face
# column -> (point, from which point it is measured, along which axis); in eye distances
OFFSETS = {
    "brow_inner_left": (285, 362, UP),
    "brow_middle_left": (334, 386, UP),
    "brow_outer_left": (300, 263, UP),
    "brow_inner_right": (55, 133, UP),
    "brow_middle_right": (105, 159, UP),
    "brow_outer_right": (70, 33, UP),
    "brow_gap": (285, 55, LEFT),
    "eye_open_left": (386, 374, UP),
    "eye_open_right": (159, 145, UP),
    "gaze_left_aside": (473, 263, LEFT),  # of the iris
    "gaze_left_up": (473, 263, UP),
    "gaze_right_aside": (468, 33, LEFT),
    "gaze_right_up": (468, 33, UP),
    "nose_width": (327, 98, LEFT),
    "nose_wing_left": (327, 6, UP),
    "nose_wing_right": (98, 6, UP),
    "mouth_width": (291, 61, LEFT),
    "mouth_open": (13, 14, UP),
    "lips_height": (0, 17, UP),
    "corner_left_up": (291, 1, UP),
    "corner_right_up": (61, 1, UP),
    "corner_left_out": (291, 1, OUT),
    "corner_right_out": (61, 1, OUT),
    "upper_lip": (0, 13, UP),
    "lower_lip": (14, 17, UP),
    "jaw": (1, 152, UP),
    "cheek_left": (425, 6, OUT),
    "cheek_right": (205, 6, OUT),
}
COLUMNS = ("x", "y", "size", "yaw", "pitch", "roll", *OFFSETS, "motion")
FIRST, SECOND, AXIS = (np.array(part) for part in zip(*OFFSETS.values(), strict=True))


def face(pictures: Iterable[np.ndarray | None]) -> np.ndarray:
    """Pictures [H, W, 3] of one clip, RATE a second, None where there is none -> [T, D]; a step
    without a face is all zero, which the data set takes for a missing one. Of several faces the
    most visible one."""
    rows, before = [], None
    solutions = needed("mediapipe").solutions
    with (
        _quiet(),
        solutions.face_mesh.FaceMesh(max_num_faces=1, refine_landmarks=True) as mesh,
    ):
        for picture in pictures:
            found = None if picture is None else mesh.process(picture).multi_face_landmarks
            points = _points(found[0], picture.shape) if found else None
            rows.append(np.zeros(len(COLUMNS)) if points is None else columns(points, before))
            before = None if points is None else in_own_axes(points)[0]
    return np.array(rows, np.float32).reshape(len(rows), len(COLUMNS))


def columns(points: np.ndarray, before: np.ndarray | None = None) -> np.ndarray:
    """points [478, 3] (right, down, away; picture heights) -> [len(COLUMNS)]. `before` has the
    points of the step before in the face's own axes: motion is their mean way since, and 0 where
    there is no step before."""
    own, axes, size = in_own_axes(points)
    x, y, _ = (points[LEFT_EYE] + points[RIGHT_EYE]) / 2
    left, _, out = axes
    yaw = np.degrees(np.arctan2(out[0], -out[2]))  # to its own left is positive
    pitch = np.degrees(np.arcsin(np.clip(-out[1], -1, 1)))  # up is positive
    roll = np.degrees(np.arctan2(left[1], left[0]))  # its left eye lower is positive
    motion = 0.0 if before is None else np.linalg.norm(own - before, axis=1).mean()
    offsets = own[FIRST, AXIS] - own[SECOND, AXIS]
    return np.array([x, y, size, yaw, pitch, roll, *offsets, motion])


def in_own_axes(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """points [478, 3] -> (the points in the face's axes [478, 3], the axes [3, 3], a row each, and
    the eye distance), from the line through the eyes and the one from chin to forehead."""
    left, up = points[LEFT_EYE] - points[RIGHT_EYE], points[FOREHEAD] - points[CHIN]
    size = float(np.linalg.norm(left))
    left = left / size
    up = up - (up @ left) * left
    up = up / np.linalg.norm(up)
    axes = np.stack([left, up, np.cross(left, up)])
    middle = (points[LEFT_EYE] + points[RIGHT_EYE]) / 2
    return (points - middle) @ axes.T / size, axes, size


def _points(found, shape: tuple[int, ...]) -> np.ndarray:
    """The mesh's points [478, 3] in picture heights; it gives shares of width, height, width."""
    share = np.array([(p.x, p.y, p.z) for p in found.landmark])
    return share * np.array([shape[1], shape[0], shape[1]]) / shape[0]


@contextmanager
def _quiet() -> Iterator[None]:
    """MediaPipe's C++ logs past Python to the terminal, into the progress bar: not here."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
