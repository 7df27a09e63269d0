"""DMD as a whole: masks, missing modalities, any number of modalities."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import dmdlite
from dmdlite import DMD, Batch, ConfigError, DMDConfig, ModelError
from tests.conftest import SMALL


def loss_and_gradients(model, batch):
    output = model(batch)
    losses = output.losses(batch)
    gradients = torch.autograd.grad(losses["total"], list(model.parameters()))
    return output, losses, gradients


def with_padding(batch, extra, seed):
    """The same batch with random content appended as padding, and put into padded steps."""
    generator = torch.Generator().manual_seed(seed)
    features, masks = {}, {}
    for (m, x), more in zip(batch.features.items(), extra, strict=True):
        mask = torch.cat([batch.masks[m], torch.zeros(len(x), more, dtype=torch.bool)], dim=1)
        longer = torch.cat([x, torch.zeros(len(x), more, x.shape[2])], dim=1)
        noise = 10 * torch.randn(longer.shape, generator=generator)
        features[m], masks[m] = torch.where(mask[..., None], longer, noise), mask
    return Batch(features, masks, batch.labels)


@given(
    extra=st.tuples(*[st.integers(0, 6)] * 3),
    seed=st.integers(0, 1000),
    causal=st.booleans(),
    readout=st.sampled_from(["mean", "last"]),
)
def test_padding_changes_no_output_loss_or_gradient(toy, extra, seed, causal, readout):
    torch.manual_seed(seed)
    config = DMDConfig.for_dataset(toy["train"], causal=causal, readout=readout, **SMALL)
    model = DMD(config).eval()
    batch = toy["train"].batch(torch.arange(6) + seed % 50)
    plain, plain_losses, plain_gradients = loss_and_gradients(model, batch)
    padded, losses, gradients = loss_and_gradients(model, with_padding(batch, extra, seed))
    close = {"atol": 1e-5, "rtol": 1e-4}
    torch.testing.assert_close(padded.prediction, plain.prediction, **close)
    torch.testing.assert_close(losses, plain_losses, **close)
    torch.testing.assert_close(gradients, plain_gradients, **close)
    for name in ("shallow", "common", "private", "decoded", "reencoded", "reinforced"):
        for m, x in getattr(plain, name).items():
            torch.testing.assert_close(getattr(padded, name)[m][:, : x.shape[1]], x, **close)
    for unit in ("homo", "hetero"):
        torch.testing.assert_close(getattr(padded, unit), getattr(plain, unit), **close)


@pytest.mark.parametrize("names", ["av", "lav", "lavp", "lavpqr"])
def test_any_number_of_modalities_and_any_missing(names):
    torch.manual_seed(0)
    widths = tuple(range(3, 3 + len(names)))
    config = DMDConfig(widths=widths, modalities=tuple(names), **SMALL)
    model = DMD(config)
    batch_size = len(names) + 2
    features = {m: torch.randn(batch_size, 4 + w, w) for m, w in zip(names, widths, strict=True)}
    masks = {m: torch.ones(x.shape[:2], dtype=torch.bool) for m, x in features.items()}
    for i, m in enumerate(names):
        masks[m][i] = False  # sample i lacks modality i
        masks[m][-1] = False  # the last sample lacks them all
    batch = Batch(features, masks, torch.randn(batch_size))
    output, losses, gradients = loss_and_gradients(model, batch)
    assert output.homo.weights.shape == (batch_size, len(names), len(names))
    assert torch.isfinite(output.prediction).all()
    assert all(torch.isfinite(v) for v in losses.values())
    assert all(torch.isfinite(g).all() for g in gradients)
    assert (output.homo.weights[-1] == 0).all()


def test_shapes_are_the_design_table(toy, model):
    out = model(toy["train"].batch(range(4)))
    times = {m: x.shape[1] for m, x in toy["train"].batch(range(4)).features.items()}
    for name in ("shallow", "common", "private", "decoded", "reencoded"):
        assert {m: tuple(x.shape) for m, x in getattr(out, name).items()} == {
            m: (4, t, 8) for m, t in times.items()
        }
    assert {m: tuple(x.shape) for m, x in out.reinforced.items()} == {
        m: (4, t, 16) for m, t in times.items()
    }
    assert out.prediction.shape == (4,)
    assert out.hetero.logits.shape == (4, 3)


def test_gradient_reaches_every_parameter(toy, model):
    batch = toy["train"].batch(range(32))
    _, _, gradients = loss_and_gradients(model, batch)
    # The softmax over edges does not see what shifts all edges alike: edge.bias always, and
    # node.bias because g is linear.
    blind = ("edge.bias", "node.bias")
    for (name, _), g in zip(model.named_parameters(), gradients, strict=True):
        assert g.abs().max() > 1e-9 or name.endswith(blind), name


def test_parts_can_be_left_out(toy):
    batch = toy["train"].batch(range(12))
    off = {"homo_gd": False, "hetero_gd": False, "cross_attention": False}
    for name in off:
        dmdlite.seed_everything(0)
        model = DMD(DMDConfig.for_dataset(toy["train"], **SMALL, **{name: False})).eval()
        output, t, gradients = loss_and_gradients(model, batch)
        c = model.config
        decoupling = t["rec"] + t["cyc"] + c.gamma * (t["mar"] + t["ort"])
        distillation = (name != "homo_gd") * t["homo"] + (name != "hetero_gd") * t["hetero"]
        total = t["task"] + c.lambda_dec * decoupling + c.lambda_ddl * distillation
        torch.testing.assert_close(t["total"], total)
        assert all(g is not None for g in gradients)  # distributed training needs them all
        same = all(output.reinforced[m] is output.private[m] for m in c.modalities)
        assert same == (name == "cross_attention")
    nothing = DMD(DMDConfig.for_dataset(toy["train"], **SMALL, **off))
    assert not [n for n, _ in nothing.named_parameters() if n.startswith("reinforcement")]
    assert nothing(batch).hetero.logits.shape == (12, 3)


def test_without_decoupling_the_codes_are_the_shallow_features(toy):
    config = DMDConfig.for_dataset(toy["train"], decoupling=False, **SMALL)
    model = DMD(config).eval()
    assert not any(name.startswith("decoupler") for name, _ in model.named_parameters())
    batch = toy["train"].batch(range(8))
    output = model(batch)
    for m, x in output.shallow.items():
        assert torch.equal(output.common[m], x)
        assert torch.equal(output.private[m], x)
    terms = output.losses(batch)
    distilled = terms["homo"] + terms["hetero"]
    expected = terms["task"] + config.lambda_ddl * distilled  # the margin term weighs nothing
    torch.testing.assert_close(terms["total"], expected)
    assert terms["mar"] > 0


def test_each_unit_has_its_own_prior(toy):
    priors = {
        "gd_prior": [[0, 1, 0], [0, 0, 1], [1, 0, 0]],
        "hetero_prior": [[0, 0, 1], [1, 0, 0], [0, 1, 0]],
    }
    model = DMD(DMDConfig.for_dataset(toy["train"], **priors, **SMALL))
    for name, unit in (("gd_prior", model.homo), ("hetero_prior", model.hetero)):
        torch.testing.assert_close(unit.prior, torch.tensor(priors[name]) / 3)
    del priors["hetero_prior"]
    model = DMD(DMDConfig.for_dataset(toy["train"], **priors, **SMALL))
    assert torch.equal(model.hetero.prior, model.homo.prior)


def test_wrong_data_for_the_model(toy, model):
    with pytest.raises(ModelError, match=r"takes widths .*'language': 24.* the data has"):
        model(toy["train"].select("vision", "audio").batch([0]))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"widths": (4,)}, "one per modality, got 1 for 3"),
        ({"modalities": ("a",), "widths": (4,)}, "two or more"),
        ({"modalities": ("a", "a", "b")}, "names repeat"),
        ({"modalities": ("a", "b.c", "d")}, "'b.c' is not a plain name"),
        ({"widths": (4, 0, 4)}, "widths: should be greater than or equal to 1, got 0"),
        ({"widths": 4}, "widths: should be a valid tuple, got 4"),
        ({"dim": 0}, "dim: should be greater than or equal to 1, got 0"),
        ({"dim": 2.5}, "dim: should be a valid integer, got 2.5"),
        ({"heads": 5}, "must divide dim 32, got 5"),
        ({"kernel_size": 4}, "positive and odd, got 4"),
        ({"kernel_size": (3, 3)}, "one, or one per modality"),
        ({"embed_dropout": 1.0}, "embed_dropout: should be less than 1, got 1.0"),
        ({"gamma": -1}, "gamma: should be greater than or equal to 0, got -1"),
        ({"margin": float("nan")}, "margin: should be a finite number, got nan"),
        ({"gd_normalize": "row"}, "gd_normalize: should be 'graph' or 'target', got 'row'"),
        ({"readout": "first"}, "readout: should be 'mean' or 'last'"),
        ({"orthogonality": "cubed"}, "orthogonality: should be 'squared', 'signed' or 'hinge'"),
        ({"causal": "yes"}, "causal: should be a valid boolean"),
        ({"cross_attention": 0}, "cross_attention: should be a valid boolean"),
        ({"decoupling": None}, "decoupling: should be a valid boolean"),
        ({"stop_gradient": 1}, "stop_gradient: should be a valid boolean"),
        ({"gd_prior": "language"}, "gd_prior: should be a valid tuple, got 'language'"),
        ({"gd_prior": [[0, "1"], [1, 0]]}, "gd_prior: should be a valid number, got '1'"),
        ({"hue": 1}, "unknown field hue"),
        ({"gd_scale": -1}, "gd_scale: should be greater than or equal to 0"),
    ],
)
def test_bad_model_settings(fields, message):
    with pytest.raises(ConfigError, match=message):
        DMDConfig(**{"widths": (4, 4, 4)} | fields)


def test_public_interface():
    for name in dmdlite.__all__:
        assert getattr(dmdlite, name) is not None


@pytest.mark.parametrize("name", ["a_to_b", "keys", "values"])
def test_modality_names_that_would_clash_are_refused(name):
    with pytest.raises(ConfigError, match="taken by the model's own names"):
        DMDConfig(widths=(3, 4), modalities=("language", name))
