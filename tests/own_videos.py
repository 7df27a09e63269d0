"""Clips made on the spot: a public-domain face that moves, a voice-like sound, and odd files."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image
from skimage import data

SIZE = (320, 240)  # width, height
SAMPLE_RATE = 16_000
TEXTS = {"good": 2.0, "bad": -2.0, "well yes": 1.0, "no": -1.0}  # and their labels


def face(turn: float = 0.0, width: int = 240, left: int = 40, size=SIZE) -> np.ndarray:
    """A picture [H, W, 3] of NASA's portrait of Eileen Collins, moved, scaled, tilted (degrees)."""
    portrait = Image.fromarray(data.astronaut()[:300, 80:380]).rotate(turn)
    picture = Image.new("RGB", size)
    picture.paste(portrait.resize((width, width)), (left, 0))
    return np.asarray(picture)


def black(size=SIZE) -> np.ndarray:
    return np.zeros((size[1], size[0], 3), np.uint8)


def hum(seconds: float, pitch: float = 120.0) -> np.ndarray:
    """A voice-like sound [S]: harmonics that fall off, louder and softer four times a second."""
    t = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    tone = sum(np.sin(2 * np.pi * pitch * k * t) / k for k in range(1, 20))
    return (0.2 * tone * (1.2 + np.sin(8 * np.pi * t))).astype(np.float32) / 3


def write(
    path: Path, pictures=(), sound=None, rate: float = 25, times=None, late=0.0, wide=1
) -> Path:
    """A clip of these pictures, shown `rate` a second or at `times` (seconds), and this sound,
    which begins `late` seconds later. Pixels are `wide` times as wide as high."""
    codec = {".webm": "libvpx", ".mkv": "mpeg4"}.get(path.suffix, "mpeg4")
    with av.open(str(path), "w") as file:
        video = voice = None
        if len(pictures):
            video = file.add_stream(codec, rate=Fraction(rate).limit_denominator(1000))
            video.height, video.width = pictures[0].shape[:2]
            video.pix_fmt, video.time_base = "yuv420p", Fraction(1, 1000)
            video.codec_context.time_base = Fraction(1, 1000)
            video.codec_context.sample_aspect_ratio = Fraction(wide)
            video.codec_context.bit_rate = 2_000_000
        if sound is not None:
            kinds = {".wav": "pcm_s16le", ".webm": "libopus", ".flac": "flac"}
            voice = file.add_stream(kinds.get(path.suffix, "aac"), rate=SAMPLE_RATE)
            voice.layout = "mono"
        for k, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = round(1000 * (k / rate if times is None else times[k]))
            frame.time_base = Fraction(1, 1000)
            file.mux(video.encode(frame))
        if video:
            file.mux(video.encode())
        if voice:
            frame = av.AudioFrame.from_ndarray(sound[None].astype(np.float32), "fltp", "mono")
            frame.sample_rate = SAMPLE_RATE
            resampler = av.AudioResampler(
                voice.codec_context.format, "mono", voice.rate, voice.codec_context.frame_size
            )
            for piece in resampler.resample(frame) + resampler.resample(None):
                piece.pts = (piece.pts or 0) + round(late * voice.rate)
                file.mux(voice.encode(piece))
            file.mux(voice.encode())
    return path


def clips(folder, names, rows=True):
    """A folder of short clips; their labels go with their words, head and pitch."""
    folder.mkdir()
    table = ["id,label,group,text"]
    for i, name in enumerate(names):
        text, y = list(TEXTS.items())[i % len(TEXTS)]
        pictures = [face(3 * y, left=20 + i + k) for k in range(12)]
        write(folder / f"{name}.mp4", pictures, hum(0.5, 120 + 20 * y))
        table.append(f"{name},{y},{name[0]},{text}")
    if rows:
        (folder / "labels.csv").write_text("\n".join(table))
    return folder
