"""From a folder of clips to a data set and to predictions: what is measured, and what is said."""

import struct
import sys

import av
import numpy as np
import pytest
from dmdlite_data.video import face, media, voice

from dmdlite import DataError
from tests.own_videos import black, hum, write
from tests.own_videos import face as portrait

HAS_MESH = sys.version_info < (3, 13)  # MediaPipe's last release with its model
mesh = pytest.mark.skipif(not HAS_MESH, reason="no face mesh for this Python")


def numbers(picture):
    """Which of the greys that `counted` shows a picture is."""
    return round(float(picture.mean()) / 20)


def counted(n):
    return [np.full((48, 64, 3), 20 * k, np.uint8) for k in range(n)]


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm", ".avi"])
def test_pictures_are_those_shown_at_each_tenth_of_a_second(tmp_path, suffix):
    path = write(tmp_path / f"a{suffix}", counted(12), rate=20)
    assert [numbers(x) for x in media.pictures(path, 10, 60)] == [0, 2, 4, 6, 8, 10]


def test_pictures_at_irregular_times_stay_until_the_next_one(tmp_path):
    path = write(tmp_path / "a.mp4", counted(4), times=[0.0, 0.05, 0.42, 0.61])
    assert [numbers(x) for x in media.pictures(path, 10, 60)] == [0, 1, 1, 1, 1, 2, 2]


def test_a_portrait_picture_is_put_upright(tmp_path):
    """A phone stores it on its side, with a matrix that turns it a quarter clockwise."""
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:24] = 200  # its upper half is bright
    path = write(tmp_path / "a.mp4", [picture] * 5)
    raw = bytearray(path.read_bytes())
    at = raw.index(b"tkhd") + 4 + 40
    raw[at : at + 36] = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 48 << 16, 0, 1 << 30)
    path.write_bytes(raw)
    seen = next(media.pictures(path, 10, 60))
    assert seen.shape == (64, 48, 3)
    assert seen[:, 30:].mean() > 150 > 50 > seen[:, :18].mean()  # the top is on the right now


def test_pixels_that_are_not_square_are_made_square(tmp_path):
    narrow = [picture[:, ::2] for picture in counted(4)]
    path = write(tmp_path / "a.mp4", [np.ascontiguousarray(x) for x in narrow], wide=2)
    assert next(media.pictures(path, 10, 60)).shape == (48, 64, 3)


def test_sound_comes_in_one_channel_at_one_rate(tmp_path):
    x = hum(1.5)
    read = media.samples(write(tmp_path / "a.wav", sound=x), 60)
    assert len(read) == len(x)
    assert np.abs(read - x).max() < 1e-3
    lossy = media.samples(write(tmp_path / "a.mp4", counted(3), x), 60)
    assert abs(len(lossy) - len(x)) < 0.15 * media.SAMPLE_RATE


@pytest.mark.parametrize("pitch", [90.0, 220.0])
def test_a_voice_has_its_pitch_and_loudness(pitch):
    x = voice.voice(hum(1.0, pitch))
    columns = dict(zip(voice.COLUMNS, x.T, strict=True))
    assert x.shape == (20, len(voice.COLUMNS))
    heard = np.median(columns["pitch_semitones"][2:-2])
    assert heard == pytest.approx(12 * np.log2(pitch / 27.5), abs=0.2)
    half = voice.voice(hum(1.0, pitch) / 2)
    assert (columns["loudness_db"] - half[:, 0])[2:-2] == pytest.approx(20 * np.log10(2), abs=0.1)
    t = np.arange(16_000) / 16_000
    full = voice.voice(np.sin(2 * np.pi * 200 * t).astype(np.float32))
    assert full[5:-5, 0] == pytest.approx(0, abs=0.1)  # dB, of a full-scale sine


def test_silence_is_missing_step_by_step():
    x = hum(2.0)
    x[: len(x) // 2] = 0
    steps = voice.voice(x)
    assert not steps[:17].any()
    assert steps[23:].any(1).all()
    assert voice.voice(np.zeros(8000, np.float32)).shape == (10, len(voice.COLUMNS))
    assert not voice.voice(np.zeros(8000, np.float32)).any()


def turned(points, degrees, axis):
    """Points turned about an axis through their middle."""
    a, (i, j) = np.radians(degrees), [(1, 2), (0, 2), (0, 1)][axis]
    turn = np.eye(3)
    turn[i, i] = turn[j, j] = np.cos(a)
    turn[i, j], turn[j, i] = -np.sin(a), np.sin(a)
    middle = points.mean(0)
    return (points - middle) @ turn.T + middle


@pytest.fixture(scope="module")
def points():
    """A face that looks at us: 478 points, its left eye on the picture's right."""
    x = np.random.default_rng(0).normal(0, 0.05, (478, 3)) + 0.5
    x[face.LEFT_EYE], x[face.RIGHT_EYE] = (0.6, 0.4, 0.5), (0.4, 0.4, 0.5)
    x[face.FOREHEAD], x[face.CHIN] = (0.5, 0.2, 0.5), (0.5, 0.7, 0.5)
    return x


@pytest.mark.parametrize("move", ["shift", "size", "yaw", "pitch", "roll"])
def test_where_how_large_and_how_turned_a_face_is_changes_no_other_column(points, move):
    moved = {
        "shift": points + np.array([0.1, -0.2, 0.3]),
        "size": 0.5 * points,
        "yaw": turned(points, 20, 1),
        "pitch": turned(points, 15, 0),
        "roll": turned(points, 25, 2),
    }[move]
    before, after = (dict(zip(face.COLUMNS, face.columns(p), strict=True)) for p in (points, moved))
    for name in face.OFFSETS:
        assert after[name] == pytest.approx(before[name], abs=1e-9), name
    changed = {n for n in ("yaw", "pitch", "roll", "size") if abs(after[n] - before[n]) > 1e-6}
    assert changed == ({move} if move != "shift" else set())


def test_a_face_that_looks_straight_has_no_angles_and_offsets_have_their_signs(points):
    x = points.copy()
    x[face.OFFSETS["mouth_width"][0]], x[face.OFFSETS["mouth_width"][1]] = x[263], x[33]
    x[386], x[374] = (0.6, 0.38, 0.5), (0.6, 0.42, 0.5)  # lids, one above the other
    found = dict(zip(face.COLUMNS, face.columns(x, face.in_own_axes(x)[0]), strict=True))
    for angle in ("yaw", "pitch", "roll", "motion"):
        assert found[angle] == pytest.approx(0, abs=1e-9)
    assert found["size"] == pytest.approx(0.2)
    assert found["mouth_width"] == pytest.approx(1)
    assert found["eye_open_left"] == pytest.approx(0.04 / 0.2)
    seen = turned(x, 30, 1)
    nose_left = seen[33, 2] < seen[263, 2]  # its right eye is nearer to us: it looks to its left
    yaw = face.columns(seen)[face.COLUMNS.index("yaw")]
    assert yaw == pytest.approx(30 if nose_left else -30, abs=1e-6)
    nearer = x.copy()
    nearer[425, 2] -= 0.1  # z grows away from us: the cheek comes out
    assert face.columns(nearer)[face.COLUMNS.index("cheek_left")] == pytest.approx(
        found["cheek_left"] + 0.5
    )


@mesh
def test_a_real_face_is_found_and_its_tilt_measured():
    straight, tilted = (
        face.face([portrait(turn)] * 3)[-1, face.COLUMNS.index("roll")] for turn in (0, 20)
    )
    assert tilted - straight == pytest.approx(-20, abs=4)  # turned anticlockwise: its left eye up
    mirrored = face.face([np.ascontiguousarray(portrait()[:, ::-1])] * 3)[-1]
    plain = face.face([portrait()] * 3)[-1]
    left, right = (face.COLUMNS.index(f"brow_middle_{side}") for side in ("left", "right"))
    assert mirrored[left] == pytest.approx(plain[right], abs=0.03)
    assert not face.face([black()] * 3).any()
    assert face.face([]).shape == (0, len(face.COLUMNS))


def test_a_lost_face_is_a_missing_step_and_the_rest_is_kept(monkeypatch, points):
    """By a mesh that sees the face in every other picture."""
    seen = iter([points, None, points, points + 0.001])
    monkeypatch.setattr(face, "_points", lambda found, _: found)

    class Mesh:
        def __init__(self, **_): ...
        def __enter__(self):
            return self

        def __exit__(self, *_): ...
        def process(self, _):
            found = next(seen)
            return type("R", (), {"multi_face_landmarks": None if found is None else [found]})

    library = type(
        "L", (), {"solutions": type("S", (), {"face_mesh": type("F", (), {"FaceMesh": Mesh})})}
    )
    monkeypatch.setattr(face, "needed", lambda _: library)
    x = face.face([black()] * 4)
    assert x.any(1).tolist() == [True, False, True, True]
    assert x[2, -1] == 0  # nothing moved, as far as one can know
    assert x[3, -1] == pytest.approx(0, abs=1e-6)  # all of it moved: the face itself did not


def test_without_the_extra_one_is_told_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(DataError, match=r'pip install "dmdlite\[video\]"'):
        media.needed("av")


def test_sound_that_begins_later_than_pictures_is_heard_later(tmp_path):
    """And what stands first in the file is second 0 for both."""
    path = tmp_path / "a.mkv"
    write(path, counted(10), hum(0.5), rate=10, late=0.4)
    sound = media.samples(path, 60)
    assert not sound[: round(0.35 * media.SAMPLE_RATE)].any()
    assert np.abs(sound[round(0.45 * media.SAMPLE_RATE) :]).max() > 0.05
    write(path, counted(10), hum(1.0), rate=10, times=[0.5 + k / 10 for k in range(10)])
    seen = list(media.pictures(path, 10, 60))
    assert [x is None for x in seen[:6]] == [True] * 5 + [False]
    assert len(media.samples(path, 60)) == pytest.approx(media.SAMPLE_RATE, rel=0.1)


def test_a_damaged_packet_costs_itself_alone(tmp_path):
    path = write(tmp_path / "a.mkv", sound=hum(2.0))
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2 : len(raw) // 2 + 60] = bytes(60)
    path.write_bytes(raw)
    assert len(media.samples(path, 60)) > 1.8 * media.SAMPLE_RATE


@pytest.mark.parametrize("layout", ["stereo", "one side"])
def test_two_channels_are_as_loud_as_one(tmp_path, layout):
    x = hum(0.5)
    both = np.stack([x, x if layout == "stereo" else 0 * x])
    path = tmp_path / "a.wav"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("pcm_s16le", rate=16_000, layout="stereo")
        frame = av.AudioFrame.from_ndarray(both, "fltp", "stereo")
        frame.sample_rate = 16_000
        for piece in av.AudioResampler("s16", "stereo", 16_000).resample(frame):
            file.mux(stream.encode(piece))
        file.mux(stream.encode())
    assert np.abs(media.samples(path, 60) - x).max() < 1e-3
