"""Kills training, conversion and a sweep at random moments: nothing may be lost or half.

SIGKILL to the whole process group of a command as a user gives it: half of the times at a moment
drawn from its uninterrupted life, half of the times up to 50 ms after a file was seen to change.
"""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

import pandas as pd
import torch
import typer
from common import write_result
from real_size import make_pickle
from tqdm import tqdm

from dmdlite import load_dataset, save_dataset
from dmdlite.data.toy import make_toy

ROOT = Path(__file__).resolve().parent.parent
SMALL = ["dim=8", "heads=2", "layers=1", "gd_hidden=4", "batch_size=16", "stop_patience=20"]
SETTINGS = ["--data", "small", "--device", "cpu", *(f"--set={setting}" for setting in SMALL)]
PICKLES = {"a.pkl": (100, 20, 30), "b.pkl": (110, 15, 25)}  # clips of each split
A_ROUND = 12  # kills, before a command may run to its end
TIMES = re.compile(rb'"(mtime_ns|seconds|date)": .*')  # what differs from run to run
PART = re.compile(r"\.(tmp|new)$|dmdlite-partial")  # of a file that is being written
Contents = dict[str, bytes]  # of files, by name


def start(command: list[str]) -> subprocess.Popen:
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "errors": "replace"}
    return subprocess.Popen([sys.executable, *command], start_new_session=True, **streams)


def changes(process: subprocess.Popen, folder: str) -> Iterator[str]:
    """Names of what is seen to change in the folder while the process lives."""
    before = written(folder)
    while process.poll() is None:
        time.sleep(0.001)
        now = written(folder)
        yield from (n for n in before.keys() | now.keys() if before.get(n) != now.get(n))
        before = now


def written(folder: str) -> dict[str, int]:
    """When each file was."""
    found = {}
    for place, _, names in os.walk(folder):
        for path in (os.path.join(place, name) for name in names):
            with suppress(FileNotFoundError):
                found[os.path.relpath(path, folder)] = os.stat(path).st_mtime_ns
    return found


def live(command: list[str], folder: str) -> tuple[tuple[float, Counter], Contents]:
    """Let a command run to its end: (its seconds, changes of each file), what it leaves."""
    begun, process = time.perf_counter(), start(command)
    seen = Counter(changes(process, folder))
    assert process.returncode == 0, process.stderr.read()
    return (time.perf_counter() - begun, seen), contents(folder)


def wait(process: subprocess.Popen, folder: str, life: tuple, dice: random.Random) -> str:
    """Until a moment drawn from the life has come or the process has ended; how it was drawn."""
    seconds, by = dice.uniform(0, life[0]), dice.choice(["by the clock", "by a file"])
    if by == "by a file":
        file = dice.choice(sorted(life[1]))  # some are written once, others all the time
        n, seconds = dice.randint(1, life[1][file]), 0.05 * dice.random() ** 3
        next(islice(filter(file.__eq__, changes(process, folder)), n - 1, n), None)
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    return by


def contents(folder: str, parts: bool = False) -> Contents:
    """Files without their times; what is half, which a kill may leave, only on request."""
    paths = {p.relative_to(folder).as_posix(): p for p in Path(folder).rglob("*")}
    wanted = [n for n, p in paths.items() if (parts if PART.search(n) else p.is_file())]
    return {name: timeless(paths[name]) for name in wanted}


def timeless(path: Path) -> bytes:
    if path.is_dir() or path.name == "checkpoint.pt":  # which says where it was made
        return b""
    if path.name == "fig1a.csv":
        return pd.read_csv(path).drop(columns=["seconds", "date"]).to_csv().encode()
    return TIMES.sub(b"", path.read_bytes()) if path.suffix == ".json" else path.read_bytes()


def differing(found: Contents, whole: Contents) -> list[str]:
    names = sorted(n for n in found.keys() | whole.keys() if found.get(n) != whole.get(n))
    says = {(True, True): "differs", (True, False): "is too many", (False, True): "is missing"}
    return [f"{name} {says[name in found, name in whole]}" for name in names]


class Training:
    """Seed after seed; every other one starts in the folder where the last lies finished."""

    folder, seed = "run", -1

    def next(self, sound: bool) -> None:
        self.seed += 1
        if not sound or self.seed % 2 == 0:
            shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree("whole", ignore_errors=True)
        self.earlier = contents(self.folder)
        self.resume = [] if self.earlier else ["--resume"]
        self.life, self.whole = live(self.command("whole"), "whole")

    def command(self, out: str = folder) -> list[str]:
        own = ["--out", out, "--epochs", "20", "--seed", str(self.seed), *self.resume]
        return ["-m", "dmdlite", "train", *SETTINGS, *own]

    def after_kill(self) -> tuple[bool, list[str]]:
        """Whether it was done, and what is wrong in the folder."""
        found, saved = contents(self.folder), {"history": [], "train": {"seed": None}}
        if "checkpoint.pt" in found:
            saved = torch.load(f"{self.folder}/checkpoint.pt", weights_only=True)
        if self.earlier and saved["train"]["seed"] != self.seed:
            said = differing(found, self.earlier)
            return False, [f"of the earlier run, without a checkpoint of this: {s}" for s in said]
        self.resume = ["--resume"]
        if len(saved["history"]) == 1:  # of the earlier run there may be something left
            found = {n: x for n, x in found.items() if x != self.earlier.get(n)}
        history, whole = found.pop("history.csv", b""), self.whole["history.csv"]
        said = differing(found, {n: x for n, x in self.whole.items() if n in found})
        if not whole.startswith(history) or history[-1:] not in (b"\n", b""):
            said.append("history.csv is no beginning of the uninterrupted one")
        return "metrics.json" in found, said


class Conversion:
    """Of two files in turn, onto the data set that was made from the other."""

    folder = "data"

    def next(self, sound: bool) -> None:
        if not sound:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.sets: dict[str, Contents] = {}
            for self.file in PICKLES:
                self.life, self.sets[self.file] = live(self.command(), self.folder)
        self.old = self.sets[self.file]
        self.file = next(file for file in PICKLES if file != self.file)
        self.whole = self.sets[self.file]

    def command(self) -> list[str]:
        return [f"{ROOT}/data_scripts/from_mmsa.py", self.file, "--name", "demo"]

    def after_kill(self) -> tuple[bool, list[str]]:
        load_dataset(f"{self.folder}/demo")
        found, old = contents(self.folder), self.old
        if found != self.whole:
            return False, [f"neither new nor old: {says}" for says in differing(found, old)]
        self.next(sound=True)
        return True, []


class Sweep:
    """Of four runs; every third one with two workers."""

    folder, round, lives = "sweep", -1, {}

    def next(self, sound: bool) -> None:
        self.round += 1
        self.jobs = "2" if self.round % 3 == 2 else "1"
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.jobs not in self.lives:
            self.lives[self.jobs] = live(self.command(), self.folder)
            shutil.rmtree(self.folder)
        self.life, self.whole = self.lives[self.jobs]

    def command(self) -> list[str]:
        own = ["--seeds", "1", "--epochs", "3", "--jobs", self.jobs, "--out", self.folder]
        return ["-m", "dmdlite", "reproduce", "fig1a", *SETTINGS, *own]

    def after_kill(self) -> tuple[bool, list[str]]:
        """Runs with a result, and files outside of the runs, must be as they are in the end."""
        found = contents(self.folder)
        done = tuple(n.removesuffix("result.json") for n in found if n.endswith("/result.json"))
        found = {n: x for n, x in found.items() if n.startswith(done) or n[:5] != "runs/"}
        whole = {n: x for n, x in self.whole.items() if n.startswith(done) or n in found}
        return "small/fig1a.json" in found, differing(found, whole)


def kill_many(victim: Training | Conversion | Sweep, kills: int, dice: random.Random) -> dict:
    """Kill a command again and again, now and then let it end, and look at what it leaves."""
    begun, counts, violations, in_round = time.perf_counter(), Counter(), [], 0
    victim.next(sound=False)
    bar = tqdm(total=kills, desc=victim.folder, unit="kill")
    while bar.n < kills or in_round:
        before, process = written(victim.folder), start(victim.command())
        if bar.n < kills and in_round < A_ROUND:
            how = wait(process, victim.folder, victim.life, dice)
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        errors = process.stderr.read()  # it ends when the last process of the group has
        killed, now = process.wait() == -signal.SIGKILL, written(victim.folder)
        if killed:
            try:
                done, said = victim.after_kill()
            except Exception as error:  # whatever a half file makes its reader raise
                done, said = False, [repr(error)]
            phase = "in a write" if any(map(PART.search, now)) else "between writes"
            phase = "before the first write" if now == before else "done" if done else phase
            counts[f"{phase}, {how}"] += 1
            bar.update()
        else:
            said = differing(contents(victim.folder, parts=True), victim.whole)
            said = [errors.strip().splitlines()[-1]] if process.returncode else said
            counts["no kill: ended"] += 1
        violations += [f"kill {bar.n}: {says}".replace(os.getcwd(), ".") for says in said]
        in_round = in_round + 1 if killed and not said else 0
        if not in_round:
            victim.next(sound=not said)
    about = {"whole_s": round(victim.life[0], 1), "seconds": round(time.perf_counter() - begun)}
    return {**about, "kills": bar.n, "phases": counts, "violations": violations}


def main(kills: int = 100, seed: int = 0, out: Path | None = None) -> None:
    """Kill each of three commands so many times; write benchmarks/results/kills.json, or OUT."""
    out, dice = out and out.absolute(), random.Random(seed)
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        tempfile.tempdir = os.environ["TMPDIR"] = os.environ["JOBLIB_TEMP_FOLDER"] = work
        os.environ |= {"DMDLITE_DATA": "data", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        save_dataset("small", make_toy(0, (32, 16, 16)), source="toy")
        for name, sizes in PICKLES.items():
            make_pickle(Path(name), sizes, shortest=320)
        victims = {"train": Training(), "convert": Conversion(), "reproduce": Sweep()}
        found = {name: kill_many(victim, kills, dice) for name, victim in victims.items()}
    write_result("kills", out, seed=seed, **found)
    sys.exit(any(about["violations"] for about in found.values()))


if __name__ == "__main__":
    typer.run(main)
