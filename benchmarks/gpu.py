"""What one card settles, in under eight minutes: python benchmarks/gpu.py [QUESTION...]

Each question is asked in a process of its own, and what it has answered so far is written to
benchmarks/results/gpu_CARD.json. Started again, the script asks what that file does not answer in
full for this version of the code. `--device cpu --small` tries all of it without a card.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import Annotated, Any

import torch
import typer
from common import RESULTS, processor, write_result
from questions import QUESTIONS

from dmdlite.checkpoint import code_version
from dmdlite.devices import pick_device
from dmdlite.files import read_json


def asked(question: str, device: torch.device, small: bool, seconds: float) -> dict[str, Any]:
    """The answers of a process of its own, and in `complete` whether it came to its end in time."""
    command = [sys.executable, __file__, "--ask", question, "--device", str(device)]
    command += ["--small"] * small
    process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    try:
        output = process.communicate(timeout=seconds)[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # it and the trainings it started
        output = process.communicate()[0]
    complete = process.returncode == 0
    lines = [line for line in output.decode().splitlines() if line.startswith('["')]
    return {"code": code_version(), "complete": complete, **dict(map(json.loads, lines))}


def main(
    questions: Annotated[
        list[str] | None, typer.Argument(help=f"In this order; by default {', '.join(QUESTIONS)}")
    ] = None,
    device: Annotated[str | None, typer.Option(help="By default the card PyTorch finds")] = None,
    minutes: Annotated[float, typer.Option(help="Questions that do not fit wait")] = 8,
    most: Annotated[float, typer.Option(help="Minutes that a question may take")] = 3,
    small: Annotated[bool, typer.Option(help="Tiny sizes, to try the script")] = False,
    ask: Annotated[str, typer.Option(help="One question, its answers as JSON", hidden=True)] = "",
) -> None:
    """Ask what is open, and write benchmarks/results/gpu_CARD.json."""
    place = pick_device(device)
    if ask:
        for answer in QUESTIONS[ask](place, small):
            print(json.dumps(answer), flush=True)
        return
    if unknown := set(questions or ()) - set(QUESTIONS):
        raise SystemExit(f"error: no question {', '.join(unknown)}; {', '.join(QUESTIONS)}")
    end = time.monotonic() + 60 * minutes
    if place.type == "cpu" and not small:
        raise SystemExit("error: no card here; --device cpu --small tries the script")
    card = torch.cuda.get_device_name(place) if place.type == "cuda" else processor()
    name = "try_gpu" if small else f"gpu_{card.replace(' ', '_')}"
    path = RESULTS / f"{name}.json"
    answers = read_json(path)["answers"] if path.exists() else {}
    for question in questions or QUESTIONS:
        known = answers.get(question, {})
        left = end - time.monotonic()
        if left <= 0 or (known.get("complete") and known["code"] == code_version()):
            continue
        print(f"{question}: {QUESTIONS[question].__doc__.splitlines()[0]}", flush=True)
        answers[question] = asked(question, place, small, min(left, 60 * most))
        print(json.dumps(answers[question], indent=1), flush=True)
        write_result(name, card=card, answers=answers)


if __name__ == "__main__":
    typer.run(main)
