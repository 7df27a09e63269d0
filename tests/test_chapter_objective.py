"""The last chapter of the model: its code against dmdlite, its checks on wrong answers."""

import pytest
import torch

from dmdlite import DMD, DMDConfig
from dmdlite.model import AdaptiveFusion
from dmdlite.plots import dataflow
from tests.chapters import chapter, refused

NAME = "08_whole_objective"
NS = chapter(NAME)


def test_its_fusion_is_dmdlites_gradients_too():
    widths = [3, 3, 5, 5]
    mine, theirs = NS["MyFusion"](widths), AdaptiveFusion(widths, 0.0)
    mine.load_state_dict(theirs.state_dict())
    features = [torch.randn(4, w) for w in widths]
    for fusion in (mine, theirs):
        fusion(features).sum().backward()
    torch.testing.assert_close(mine(features), theirs(features))
    for a, b in zip(mine.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad)


def test_its_weights_give_the_total():
    config = DMDConfig.for_dataset(NS["train"], gamma=0.7, lambda_dec=0.3, lambda_ddl=0.2)
    torch.manual_seed(0)
    batch = NS["train"].batch(range(8))
    terms = DMD(config)(batch).losses(batch)
    total = sum(w * terms[name] for name, w in NS["weights"](config).items())
    torch.testing.assert_close(total, terms["total"])


def test_pulls_add_up_to_the_gradient_of_the_total():
    model, batch = NS["model"], NS["batch"]
    pulls = NS["pulls"](model, batch)
    total = model(batch).losses(batch)["total"]
    gradient = torch.autograd.grad(total, list(model.conv.parameters()))
    whole = torch.cat([g.flatten() for g in gradient])
    torch.testing.assert_close(sum(pulls.values()), whole, atol=1e-5, rtol=1e-3)
    assert NS["agreement"](pulls)[0] == pytest.approx(1)


def test_work_counts_a_linear_layer_right():
    """The decoupler: 2 d d for common, private and again, 4 d d for decoding, each step."""
    batch, d = NS["long_batch"](10), 32
    counted = NS["work"](NS["model"], batch)["decoupler"]
    assert counted == 3 * 10 * (3 * 2 * d * d + 4 * d * d)


@pytest.mark.parametrize("names", ["ab", "abcd"])
def test_the_diagram_shows_the_shapes_of_any_number_of_modalities(names):
    config = DMDConfig(widths=(5,) * len(names), modalities=tuple(names), dim=8, heads=2)
    features = {m: torch.randn(2, 4 + i, 5) for i, m in enumerate(names)}
    masks = {m: torch.ones(x.shape[:2], dtype=torch.bool) for m, x in features.items()}
    batch = NS["dmdlite"].Batch(features, masks, torch.zeros(2))
    figure = dataflow(batch, DMD(config)(batch))
    texts = {t.get_text() for t in figure.axes[0].texts}
    assert {f"2 × {4 + i} × 5" for i in range(len(names))} <= texts
    assert f"2 × 4 × {8 * (len(names) - 1)}" in texts


def reinforced_only(fusion, pooled, memory):
    M = pooled.shape[1]
    gates = [fusion.gates[M + m](memory[:, m]).sigmoid().mean(1) for m in range(M)]
    return torch.stack(gates, dim=1)


def mean_of_means(fusion, pooled, memory):
    M = pooled.shape[1]
    first = [fusion.gates[m](pooled[:, m]).sigmoid().mean(1) for m in range(M)]
    return (torch.stack(first, 1) + reinforced_only(fusion, pooled, memory)) / 2


def without_bias(M, d, layers):
    def transformer(w):
        return layers * (12 * w * w + 4 * w) + 2 * w

    return M * (M - 1) * transformer(d) + M * transformer((M - 1) * d)


def added_to_the_old(output, batch, homo, hetero, epoch, warmup):
    terms = output.losses(batch)
    factor = min(1.0, epoch / warmup)
    return terms["total"] + factor * (homo * terms["homo"] + hetero * terms["hetero"])


def never_ends(output, batch, homo, hetero, epoch, warmup):
    terms = output.losses(batch)
    base = terms["total"] - 0.05 * (terms["homo"] + terms["hetero"])
    return base + epoch / warmup * (homo * terms["homo"] + hetero * terms["hetero"])


test_wrong_answers_are_refused = refused(
    NS,
    check_gates=(
        reinforced_only,
        mean_of_means,
    ),
    check_parameters=(without_bias,),
    check_total=(
        added_to_the_old,
        never_ends,
    ),
)
