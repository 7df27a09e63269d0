"""What a voice does, RATE times a second: loudness, pitch, spectrum (librosa)."""

from __future__ import annotations

import numpy as np

from .media import SAMPLE_RATE, needed

RATE = 20  # steps a second
HOP, WINDOW = SAMPLE_RATE // RATE, 2048  # samples: 50 ms apart, 128 ms long
LOWEST, HIGHEST = 60.0, 500.0  # Hz, of pitch
SILENT = -60.0  # dB below a full-scale sine: nobody speaks
MFCC = 13
COLUMNS = (
    "loudness_db",
    "pitch_semitones",  # above 27.5 Hz; 0 where unvoiced
    "voiced",  # probability
    "zero_crossings",
    "centroid_hz",
    "bandwidth_hz",
    "rolloff_hz",
    "flatness_db",
    "onset",
    *(f"mfcc_{k}" for k in range(1, MFCC + 1)),
)


def voice(sound: np.ndarray) -> np.ndarray:
    """sound [S] -> [T, len(COLUMNS)], a step every 1 / RATE s; silent steps are all zero, which
    the data set takes for missing ones."""
    steps = int(np.ceil(len(sound) / HOP))
    if not steps or not np.isfinite(sound).all() or not np.abs(sound).max() > 0:
        return np.zeros((steps, len(COLUMNS)), np.float32)
    needed("librosa")
    import librosa

    frames = {"hop_length": HOP, "center": True}
    spectrum = np.abs(librosa.stft(sound, n_fft=WINDOW, **frames))  # [F, T]
    loud = librosa.feature.rms(y=sound, frame_length=WINDOW, **frames)[0]
    loudness = librosa.amplitude_to_db(loud * np.sqrt(2), ref=1.0, amin=1e-6, top_db=None)
    pitch, voiced, likely = librosa.pyin(
        sound, fmin=LOWEST, fmax=HIGHEST, sr=SAMPLE_RATE, frame_length=WINDOW, **frames
    )
    semitones = np.where(voiced, 12 * np.log2(np.nan_to_num(pitch, nan=27.5) / 27.5), 0.0)
    mel = librosa.feature.melspectrogram(S=spectrum**2, sr=SAMPLE_RATE)
    given = {"S": spectrum, "sr": SAMPLE_RATE}
    rows = [
        loudness,
        semitones,
        likely,
        librosa.feature.zero_crossing_rate(sound, frame_length=WINDOW, **frames)[0],
        librosa.feature.spectral_centroid(**given)[0],
        librosa.feature.spectral_bandwidth(**given)[0],
        librosa.feature.spectral_rolloff(**given)[0],
        librosa.power_to_db(librosa.feature.spectral_flatness(S=spectrum)[0], top_db=None),
        librosa.onset.onset_strength(S=librosa.power_to_db(mel), sr=SAMPLE_RATE),
        *librosa.feature.mfcc(S=librosa.power_to_db(mel), sr=SAMPLE_RATE, n_mfcc=MFCC),
    ]
    found = np.stack([row[:steps] for row in rows], axis=1)  # [T, C]
    return np.where(loudness[:steps, None] > SILENT, found, 0).astype(np.float32)
