"""Files with something wrong, of every format: a converter gives what they say, or refuses them.

A mutant is a small valid file after one to three mutations. What becomes of it must be one of
three: the data set of the valid file; what a plain reader finds in the mutant, with every repair
counted and printed; or exit code 2, one line that names the file or field, and nothing left behind.
"""

import resource
import shutil
from collections import Counter

import from_mfn
import numpy as np
import pytest
from dmdlite_data import conversion, pickle_machine
from hypothesis import example, given, settings
from hypothesis import strategies as st

import dmdlite
from tests.fuzz.formats import FORMATS
from tests.fuzz.judge import check_numbers, check_report, differences, must, numbers
from tests.fuzz.kinds import KINDS
from tests.fuzz.mutants import MIXES, damage, mutated
from tests.fuzz.told import stored

MUTATIONS = st.lists(
    st.tuples(st.sampled_from([*KINDS, "damage"]), st.integers(0, 999)), min_size=2, max_size=3
)


@pytest.mark.parametrize("name", FORMATS)
def test_mutants_are_refused_or_told_as_they_are(name, run_script, tmp_path, monkeypatch):
    form, folder, seen = FORMATS[name], tmp_path / "in", Counter()
    (folder / "given").mkdir(parents=True)
    monkeypatch.chdir(folder / "given")
    settle(form, folder, monkeypatch)
    valid = outcome_of_valid(form, run_script, folder)

    @settings(max_examples=6, derandomize=True)
    @given(MUTATIONS)
    def mutant(mutations):
        seen[outcome(form, mutations, run_script, folder, valid)] += 1

    mutant = example([("cut", 7), ("cut", 7)])(mutant)  # ids without a column
    for kind in [*KINDS, "damage"]:
        mutant = example([(kind, [*FORMATS].index(name))])(mutant)
    mutant()
    assert seen["refused"]
    assert seen["told"] + seen["same"]


def settle(form, folder, monkeypatch):
    """Data sets go into `folder`; MFN's release is small; pieces are, if the form has any."""
    monkeypatch.setenv("DMDLITE_DATA", str(folder))
    monkeypatch.setattr(from_mfn, "RELEASES", {"demo": form.release})
    monkeypatch.setattr(from_mfn, "STEPS", 6)
    if form.pieces:
        monkeypatch.setattr(conversion, "CHUNK", 1)
        monkeypatch.setattr(pickle_machine, "INLINE", 64)


def outcome_of_valid(form, run, folder):
    """What is stored of the valid file, and the number of the clip behind each id."""
    assert outcome(form, [], run, folder, (None, {})) == "told"
    found = dmdlite.load_dataset("demo")
    assert [*numbers(found).values()] == [*range(1, sum(map(len, found.values())) + 1)]
    return said_by(form, folder / "given")[0], numbers(found)


def outcome(form, mutations, run, folder, valid):
    """What becomes of a mutant in `folder`: "same" as of the valid file, "told" as it says, or
    "refused". Raises Wrong otherwise."""
    place = folder / "given"
    for path in place.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    try:
        arguments = form.write(place, mutated(form.parts, mutations))
    except (ValueError, TypeError, OSError, KeyError):
        return "no such file"  # the format has no place for it
    damages = [seed for kind, seed in mutations if kind == "damage"]
    whole = said_by(form, place)[0] if damages else None
    for seed in damages:
        _damage(place, np.random.default_rng(seed))
    before, source = _older(folder), _content(place)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    code, out, err = run(form.app, *arguments, "--name", "demo", *form.options)
    must(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - used < 100_000, "100 MB more")
    must(_content(place) == source, "its source has changed")
    must({path.name for path in folder.iterdir()} == {"given", "demo"}, "left something behind")
    odd = {sign for sign in out + err if not sign.isprintable()} - {"\n", "\r"}
    must(not odd, f"prints {odd}: {err}")
    if code:
        _check_refusal(code, err, [*(p.name for p in place.rglob("*")), *form.parts])
        must(_content(folder / "demo") == before, "the older data set has changed")
        return "refused"
    found = dmdlite.load_dataset("demo")
    for known in (valid[0], whole):  # damage may be where it hurts nothing
        if known and not differences(found, known, form.close):
            return "same"
    expected, told, why = said_by(form, place)
    must(expected, f"accepts what says nothing plain, {why!r}: {out}{err}")
    differ = differences(found, expected, form.close)
    must(not differ, f"not what the file says, {differ}: {out}{err}")
    check_report(found, told, out, err)
    if not MIXES & {kind for kind, _ in mutations}:
        check_numbers(found, valid[1])
    return "told"


def said_by(form, folder):
    """What must be stored of a file, and said; None and the reason where it says nothing plain."""
    try:
        told = form.read(folder)
        told.alone |= form.pieces
        return stored(told), told, None
    except Exception as error:
        return None, None, error


def _damage(folder, rng):
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix != ".json")
    if files:
        path = files[rng.integers(len(files))]
        path.write_bytes(damage(path.read_bytes(), rng))


def _check_refusal(code, err, places):
    line = err.splitlines()[-1]
    must(code == 2, f"exit code {code}: {err}")
    must(line.startswith("error: "), err)
    names = {"language", "demo", *(word for place in places for word in place.split("/"))}
    must(any(name in line for name in names), f"names neither file nor field: {line}")


def _older(folder):
    """Put a data set where the new one goes; its content."""
    toy = folder.parent / "older"
    if not toy.exists():
        dmdlite.save_dataset(toy, {"test": dmdlite.load_dataset("toy")["test"].subset([0])}, "toy")
    shutil.rmtree(folder / "demo", ignore_errors=True)
    shutil.copytree(toy, folder / "demo")
    return _content(folder / "demo")


def _content(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
