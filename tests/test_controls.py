"""Controls: each changes what it says and nothing else; alignment against a plain loop."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import dmdlite
from dmdlite import DataError, MultimodalDataset
from dmdlite.data.alignment import aligned, in_setting, is_aligned
from dmdlite.data.padding import from_padded
from dmdlite.experiments.controls import (
    CONTROLS,
    noise,
    padding_as_steps,
    rotated_modalities,
    shuffled_labels,
)


def sequences(dataset, m):
    return [dataset.batch([i]).features[m][0, : dataset.lengths(m)[i]] for i in range(len(dataset))]


def ragged(lengths, width=2, seed=0):
    """A data set whose clip i has lengths[i][k] steps of modality k."""
    generator = torch.Generator().manual_seed(seed)
    columns = list(zip(*lengths, strict=True))
    names = [f"m{k}" for k in range(len(columns))]
    return MultimodalDataset(
        values={
            m: torch.randn(sum(n), width, generator=generator)
            for m, n in zip(names, columns, strict=True)
        },
        offsets={m: torch.tensor([0, *np.cumsum(n)]) for m, n in zip(names, columns, strict=True)},
        labels=torch.zeros(len(lengths)),
        ids=tuple(map(str, range(len(lengths)))),
    )


def test_every_control_is_the_same_for_the_same_seed(toy):
    for change in CONTROLS.values():
        first, second = change(toy, 3), change(toy, 3)
        for split in toy:
            assert torch.equal(first[split].labels, second[split].labels)
            for m in toy[split].modalities:
                assert torch.equal(first[split].values[m], second[split].values[m])
                assert len(first[split].values[m]) == first[split].offsets[m][-1]


def test_shuffled_labels_keep_labels_and_the_test_split(toy):
    changed = shuffled_labels(toy, 0)
    assert changed["test"] is toy["test"]
    for split in ("train", "valid"):
        assert not torch.equal(changed[split].labels, toy[split].labels)
        assert torch.equal(changed[split].labels.sort()[0], toy[split].labels.sort()[0])
        assert changed[split].values is toy[split].values


def test_noise_keeps_columns_and_forgets_the_rest(toy):
    changed = noise(toy, 0)["train"]
    for m, values in toy["train"].values.items():
        new = changed.values[m]
        assert new.shape == values.shape
        torch.testing.assert_close(new.mean(0), values.mean(0), atol=0.6, rtol=0)
        torch.testing.assert_close(new.std(0), values.std(0), atol=0.3, rtol=0.2)
        both = torch.corrcoef(torch.stack([new.flatten(), values.flatten()]))[0, 1]
        assert abs(both) < 0.1


def test_rotation_moves_data_under_the_next_name(toy):
    changed, plain = rotated_modalities(toy, 0)["test"], toy["test"]
    assert changed.modalities == plain.modalities
    assert changed.widths == plain.widths[1:] + plain.widths[:1]
    for new, old in (("language", "vision"), ("vision", "audio"), ("audio", "language")):
        assert torch.equal(changed.values[new], plain.values[old])
    again = rotated_modalities(rotated_modalities({"test": changed}, 0), 0)["test"]
    assert torch.equal(again.values["language"], plain.values["language"])


def test_padding_becomes_zeros_that_count(toy):
    changed = padding_as_steps(toy, 0)
    for m in toy["train"].modalities:
        longest = max(int(d.lengths(m).max()) for d in toy.values())
        for split, dataset in toy.items():
            assert (changed[split].lengths(m) == longest).all()
            for old, new in zip(sequences(dataset, m), sequences(changed[split], m), strict=True):
                assert torch.equal(new[: len(old)], old)
                assert not new[len(old) :].any()


@given(
    lengths=st.lists(st.tuples(*[st.integers(0, 9)] * 3).filter(any), min_size=1, max_size=5),
    seed=st.integers(0, 99),
)
def test_alignment_is_the_mean_over_windows(lengths, seed):
    dataset = ragged(lengths, seed=seed)
    result = aligned(dataset)
    assert is_aligned(result)
    for k, m in enumerate(dataset.modalities):
        for i, (old, new) in enumerate(
            zip(sequences(dataset, m), sequences(result, m), strict=True)
        ):
            n = next(length for length in lengths[i] if length)  # the first present modality's
            if not lengths[i][k]:
                assert not len(new)
                continue
            assert len(new) == n
            for w in range(n):
                inside = [old[t] for t in range(len(old)) if t * n // len(old) == w]
                inside = inside or [old[w * len(old) // n]]
                torch.testing.assert_close(new[w], torch.stack(inside).mean(0))


def test_alignment_leaves_the_first_modality_as_it_is(toy):
    result = aligned(toy["train"])
    assert torch.equal(result.values["language"][:50], toy["train"].values["language"][:50])
    assert torch.equal(result.present, toy["train"].present)


def test_settings(toy):
    assert in_setting(toy, None) == (toy, "unaligned")
    changed, name = in_setting(toy, "aligned")
    assert name == "aligned"
    assert in_setting(changed, None) == (changed, "aligned")
    with pytest.raises(DataError, match="aligned already"):
        in_setting(changed, "unaligned")
    batch = changed["train"].batch(range(4))
    assert len({mask.shape for mask in batch.masks.values()}) == 1
    dmdlite.DMD(dmdlite.DMDConfig.for_dataset(changed["train"]))(batch)


@pytest.mark.parametrize("said", [True, False])
def test_what_the_source_says_of_alignment_counts(said, tmp_path):
    """Padded files of unaligned data have a time index too; only the source knows better."""
    rng = np.random.default_rng(0)
    features = {m: rng.normal(size=(3, 6, 2)) for m in ("language", "vision")}
    dataset, _ = from_padded(features, np.zeros(3), ("a", "b", "c"), "small", aligned=said)
    dmdlite.save_dataset(tmp_path / "small", {"test": dataset}, "made up")
    loaded = dmdlite.load_dataset(tmp_path / "small")
    assert loaded["test"].steps
    assert (is_aligned(dataset), is_aligned(loaded["test"])) == (said, said)
    assert in_setting(loaded, None)[1] == ("aligned" if said else "unaligned")
    assert is_aligned(aligned(dataset))
    about = tmp_path / "small" / "dataset.json"
    about.write_text(about.read_text().replace(f'"aligned": {str(said).lower()}', '"aligned": 3'))
    with pytest.raises(DataError, match="aligned must be true, false or absent"):
        dmdlite.load_dataset(tmp_path / "small")
