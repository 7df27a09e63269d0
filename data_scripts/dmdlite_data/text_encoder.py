"""Texts to sequences of hidden states, batched and cached."""

from __future__ import annotations

import hashlib
import os
import sys
from enum import Enum
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from dmdlite import DataError
from dmdlite.files import replacing

LONGEST = 4096  # tokens, for encoders that name no limit


class Level(str, Enum):
    """What a step of the language sequence is."""

    token = "token"
    word = "word"


class TextEncoder:
    """Calls give for each text its hidden states [T, D], and how many texts were cut short."""

    def __init__(
        self, name: str, level: Level, layer: int, batch_size: int, device: torch.device, home: Path
    ):
        self.tokenizer, self.model = _load(name)
        self.model = self.model.to(device).eval()
        self.level, self.layer, self.batch_size = level, layer, batch_size
        self.fingerprint = _fingerprint(self.model)
        self.cache = home / "embeddings" / self.fingerprint[:16]
        positions = getattr(self.model.config, "max_position_embeddings", sys.maxsize)
        named = self.tokenizer.model_max_length  # some name none, and reserve two positions
        self.longest = min(named if named <= positions else positions - 2, LONGEST)
        layers = self.model.config.num_hidden_layers
        if not -layers <= layer <= layers:
            raise DataError(f"--layer {layer}: {name} has layers 0 to {layers}")

    @property
    def width(self) -> int:
        return self.model.config.hidden_size

    def __call__(self, texts: list[str]) -> tuple[list[Tensor], int]:
        rows = [self._tokens(text) for text in texts]
        cut = sum(row["cut"] for row in rows)
        path = self.cache / f"{self._key(rows)}.safetensors"
        try:
            states = load_file(path)["states"]
        except (OSError, SafetensorError, KeyError):  # not there yet, or a broken copy
            states = torch.cat([*self._encode(rows), torch.zeros(0, self.width)])
            with replacing(path) as temporary:
                save_file({"states": states}, temporary)
        return list(states.split([row["steps"] for row in rows])), cut

    def _tokens(self, text: str) -> dict[str, Any]:
        """Token ids of a text, and the step that each belongs to (-1: none)."""
        words = text.split()
        if not words:
            return {"ids": [], "step": [], "steps": 0, "cut": False}
        given = words if self.level == Level.word else text
        options = {"is_split_into_words": self.level == Level.word}
        full = self.tokenizer(given, **options)["input_ids"]
        encoded = self.tokenizer(given, truncation=True, max_length=self.longest, **options)
        ids = encoded["input_ids"]
        step = list(range(len(ids)))
        if self.level == Level.word:
            step = [-1 if word is None else word for word in encoded.word_ids()]
        cut = len(full) > len(ids)
        whole = self.level == Level.word and not cut  # a word without a token is a step of zeros
        steps = len(words) if whole else max(step) + 1
        return {"ids": ids, "step": step, "steps": steps, "cut": cut}

    def _key(self, rows: list[dict]) -> str:
        about = [self.layer, [(row["ids"], row["step"], row["steps"]) for row in rows]]
        return hashlib.sha256(repr(about).encode()).hexdigest()[:32]

    def _encode(self, rows: list[dict]) -> list[Tensor]:
        """[steps, D] of every row. Rows of like length share a batch, so that little is padded."""
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]["ids"]))
        order = [i for i in order if rows[i]["ids"]]
        found = [torch.zeros(0, self.width)] * len(rows)
        for start in range(0, len(order), self.batch_size):
            part = order[start : start + self.batch_size]
            for i, states in zip(part, self._forward([rows[i] for i in part]), strict=True):
                step = torch.tensor(rows[i]["step"])
                total = torch.zeros(rows[i]["steps"], self.width)
                total.index_add_(0, step[step >= 0], states[step >= 0])
                count = torch.bincount(step[step >= 0], minlength=len(total))
                found[i] = total / count[:, None].clamp(min=1)
        return found

    @torch.inference_mode()
    def _forward(self, rows: list[dict]) -> list[Tensor]:
        batch = self.tokenizer.pad({"input_ids": [row["ids"] for row in rows]}, return_tensors="pt")
        batch = {k: batch[k].to(self.model.device) for k in ("input_ids", "attention_mask")}
        states = self.model(**batch, output_hidden_states=True).hidden_states[self.layer]
        pairs = zip(states.float().cpu(), rows, strict=True)
        return [x[: len(row["ids"])] for x, row in pairs]


def _load(name: str) -> tuple[Any, Any]:
    """Tokenizer and encoder, from this machine if they are here."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        import transformers
    except ImportError:
        raise DataError('this needs transformers: pip install "dmdlite[data]"') from None
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    for local in (True, False):
        options = {"local_files_only": local, "trust_remote_code": False}
        try:
            tokenizer = transformers.AutoTokenizer.from_pretrained(name, **options)
            model = transformers.AutoModel.from_pretrained(name, use_safetensors=True, **options)
        except Exception as error:  # libraries raise nearly anything for a model they do not know
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            continue
        tokenizer.padding_side = "right"
        tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
        return tokenizer, model
    raise DataError(f"--model {name}: neither a local folder nor to be had ({reason})")


def _fingerprint(model: torch.nn.Module) -> str:
    """A hash of the weights: the same model from another place has the same."""
    digest = hashlib.sha256()
    for key, x in sorted(model.state_dict().items()):
        digest.update(key.encode())
        digest.update(x.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
