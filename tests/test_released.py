"""The released code's preset: what it sets, and that it trains."""

import pytest
import torch

import dmdlite
from dmdlite import ConfigError, DMDConfig, TrainConfig
from dmdlite.experiments.runs import Run
from dmdlite.experiments.study import Study
from dmdlite.experiments.systems import SYSTEMS
from dmdlite.released import edge_prior
from tests.conftest import SMALL


def test_priors_are_the_released_kernels_softmax():
    # Edge order of the released code: V>L, A>L, L>V, A>V, L>A, V>A.
    order = [(1, 0), (2, 0), (0, 1), (2, 1), (0, 2), (1, 2)]
    for hetero, pattern in ((False, [0, 0, 1, 0, 1, 0]), (True, [0, 0, 1, 0, 1, 1])):
        released = torch.softmax(torch.tensor(pattern) / 0.25, dim=0)
        ours = torch.stack([edge_prior(3, hetero)[edge] for edge in order])
        torch.testing.assert_close(ours, released)


@pytest.mark.parametrize("modalities", [2, 4])
def test_prior_for_other_numbers_of_modalities(modalities):
    prior = edge_prior(modalities, hetero=True)
    assert prior.sum() == pytest.approx(1)
    assert prior.diagonal().eq(0).all()
    assert prior[0, 1] > 10 * prior[1, 0]


@pytest.mark.parametrize(
    ("data", "modality", "width", "kernel"),
    [
        ("mosi", "language", 768, 5),
        ("mosi", "vision", 20, 5),
        ("mosi", "audio", 5, 5),
        ("mosei", "language", 768, 5),
        ("mosei", "vision", 35, 3),  # the release's list goes language, audio, vision: 5, 1, 3
        ("mosei", "audio", 74, 1),
    ],
)
def test_every_modality_has_its_published_sizes(data, modality, width, kernel):
    config = DMDConfig.released(data)
    place = config.modalities.index(modality)
    assert config.widths[place] == width
    assert config.kernel_size[place] == kernel
    conv = dmdlite.DMD(config).conv[modality].conv
    assert (conv.in_channels, conv.kernel_size) == (width, (kernel,))


@pytest.mark.parametrize(
    ("data", "sizes"),
    [
        ("mosi", {"dim": 50, "heads": 10, "layers": 4, "embed_dropout": 0.2}),
        ("mosei", {"dim": 30, "heads": 6, "layers": 4, "embed_dropout": 0.0}),
    ],
)
def test_sizes_that_modalities_share(data, sizes):
    config = DMDConfig.released(data)
    assert {name: getattr(config, name) for name in sizes} == sizes
    assert config.attention_dropout == {"mosi": 0.3, "mosei": 0.4}[data]  # language's


@pytest.mark.parametrize("data", ["mosi", "mosei"])
def test_it_trains_on_other_data(toy, data):
    names = {"widths": toy["train"].widths, "modalities": toy["train"].modalities}
    model = dmdlite.DMD(DMDConfig.released(data, **names, **SMALL))
    history = dmdlite.fit(model, toy, TrainConfig.released(epochs=2, progress=False, device="cpu"))
    assert history[1]["train_total"] != history[0]["train_total"]
    config = DMDConfig.from_dict(model.config.to_dict())
    assert config == model.config


def test_other_data_are_refused():
    with pytest.raises(ConfigError, match="mosi or mosei, got 'toy'"):
        DMDConfig.released("toy")


def test_the_prior_lets_language_teach_wherever_it_stands(toy, toy_folder, tmp_path):
    usual, _ = Run(Study(str(toy_folder)), SYSTEMS["prior"], 0).configs
    turned = ("audio", "language", "vision")
    moved = {split: data.select(*turned) for split, data in toy.items()}
    dmdlite.save_dataset(tmp_path / "turned", moved, "toy")
    other, _ = Run(Study(str(tmp_path / "turned")), SYSTEMS["prior"], 0).configs
    assert other.modalities == turned
    for name in ("gd_prior", "hetero_prior"):
        a, b = (torch.as_tensor(getattr(config, name)) for config in (usual, other))
        at = [usual.modalities.index(m) for m in turned]
        assert b.allclose(a[at][:, at])
        assert not b.allclose(a)
