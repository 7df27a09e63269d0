"""What the paper claims, each as a difference that could be zero (Chapter 11)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from .formatting import (
    SMALLEST,
    Table,
    about,
    equivalence_p,
    half_width,
    holm,
    paired_p,
    shown_difference,
    shown_p,
    values,
)
from .tables import alone, modalities_of

LEVEL = 0.05
NO_ATTENTION = "FD + HomoGD + HeteroGD"
OVER_NOISE = "weight over noise's"


@dataclass(frozen=True)
class Claim:
    """`difference(rows)` gives one number a seed, above zero where the claim holds; it needs so
    many modalities, whose names in the paper's order stand for {0}, {1}, {2}."""

    says: str
    difference: Callable[[pd.DataFrame], np.ndarray]
    measure: str = "MAE"
    modalities: int = 2


def better(a: str, b: str, metric: str = "mae") -> Callable[[pd.DataFrame], np.ndarray]:
    """How much better system a is than b, by seed; MAE counts downwards."""
    sign = -1 if metric == "mae" else 1
    return lambda rows: sign * (values(rows, a, metric) - values(rows, b, metric))


def spread_falls(a: str, b: str) -> Callable[[pd.DataFrame], np.ndarray]:
    """How much smaller the modalities' spread of ACC2 is with system a than with b."""
    return lambda rows: alone(rows, b, "acc2").std(0) - alone(rows, a, "acc2").std(0)


def weak_gain(a: str, b: str) -> Callable[[pd.DataFrame], np.ndarray]:
    """Gain in ACC2 of all modalities but the first, averaged, from system b to a."""
    return lambda rows: (alone(rows, a, "acc2") - alone(rows, b, "acc2"))[1:].mean(0)


def every_gain(a: str, b: str) -> Callable[[pd.DataFrame], np.ndarray]:
    """Gain in ACC2 averaged over modalities, from system b to a."""
    return lambda rows: (alone(rows, a, "acc2") - alone(rows, b, "acc2")).mean(0)


def over_noise(rows: pd.DataFrame, edge: str) -> np.ndarray:
    """How much more weight an edge has on the data than on noise: some pattern needs no signal."""
    return values(rows, "DMD", edge) - values(rows, "noise", edge)


def first_teaches(rows: pd.DataFrame) -> np.ndarray:
    """HomoGD's mean weight of the first modality's edges, over that on noise."""
    first, *others = modalities_of(rows)
    return np.mean([over_noise(rows, f"homo_edge_{first}_{m}") for m in others], axis=0)


def second_teaches_third(rows: pd.DataFrame) -> np.ndarray:
    """HeteroGD's weight of the edge from the second to the third modality, over that on noise."""
    names = modalities_of(rows)
    return over_noise(rows, f"hetero_edge_{names[1]}_{names[2]}")


CLAIMS = (
    Claim("DMD is better than MulT (Tables 1, 2, 5)", better("DMD", "MulT")),
    Claim("Decoupling helps: FD over nothing (Table 3)", better("FD", "none")),
    Claim("HomoGD helps: FD + HomoGD over FD (Table 3)", better("FD + HomoGD", "FD")),
    Claim("HeteroGD without attention hurts (Table 3)", better("FD + HomoGD", NO_ATTENTION)),
    Claim("Attention helps HeteroGD (Table 3)", better("DMD", NO_ATTENTION)),
    Claim("HeteroGD helps with attention (Table 3)", better("DMD", "FD + HomoGD + CA")),
    Claim("Both GD-Units help with attention (Fig. 3, 4)", better("DMD", "FD + CA")),
    Claim("All of DMD is better than nothing but the task (Table 3)", better("DMD", "none")),
    Claim("Decoupling lifts each modality (Table 4)", every_gain("FD", "none"), "mean ACC2"),
    Claim(
        "Decoupling brings the modalities together (Table 4)",
        spread_falls("FD", "none"),
        "sd of ACC2",
    ),
    Claim("HomoGD lifts {others} (Sec. 4.2)", weak_gain("FD + HomoGD", "FD"), "mean ACC2"),
    Claim("A GD-Unit helps MulT (Table 5)", better("MulT + GD", "MulT")),
    Claim("In HomoGD {0} teaches (Fig. 5a)", first_teaches, OVER_NOISE),
    Claim("In HeteroGD {1} teaches {2} (Fig. 5b)", second_teaches_third, OVER_NOISE, 3),
)


def claims_of(rows: pd.DataFrame) -> list[Claim]:
    """The claims that can be asked of these rows, with the names of their modalities."""
    names = modalities_of(rows)
    others = " and ".join(names[1:])
    asked = [claim for claim in CLAIMS if claim.modalities <= len(names)]
    return [replace(claim, says=claim.says.format(*names, others=others)) for claim in asked]


def verdict(difference: np.ndarray, p: float, p_equivalent: float) -> str:
    """ "holds" or "opposite" when p is below 0.05; "small" when the difference is known to be
    smaller than SMALLEST (p_equivalent below 0.05), "none" when that is all; else "open"."""
    small = p_equivalent < LEVEL
    if p < LEVEL:
        return ("holds" if difference.mean() > 0 else "opposite") + ", small" * bool(small)
    return "none" if small else "open"


def verdicts(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a claim: says, measure, mean difference, half its 95 % interval, p (two-sided t-test
    over seeds or draws), p of all claims together (Holm), and the verdict by that and by
    equivalence tests, all claims together, too."""
    claims = claims_of(rows)
    differences = [claim.difference(rows) for claim in claims]
    p = [paired_p(d, 0 * d) for d in differences]
    together, equivalences = holm(p), holm([equivalence_p(d) for d in differences])
    tests = zip(claims, differences, p, together, equivalences, strict=True)
    return pd.DataFrame(
        {
            "claim": claim.says,
            "measure": claim.measure,
            "difference": d.mean(),
            "half_width": half_width(d),
            "seeds": len(d),
            "p": alone,
            "holm": with_others,
            "verdict": verdict(d, with_others, equivalence),
        }
        for claim, d, alone, with_others, equivalence in tests
    )


def claims_table(rows: pd.DataFrame) -> Table:
    """The claims with what the seeds say of them."""
    cells = tuple(
        (
            t.claim,
            t.measure,
            shown_difference(claim.difference(rows)),
            shown_p(t.p),
            shown_p(t.holm),
            t.verdict,
        )
        for claim, t in zip(claims_of(rows), verdicts(rows).itertuples(), strict=True)
    )
    columns = ("claim", "measure", "difference, 95 %", "p", "p (Holm)", "on these data")
    caption = (
        f"Above zero is the claim's way. Holds or opposite: p < {LEVEL} of {len(cells)} claims "
        f"together (Holm). None, or small: below {SMALLEST} by equivalence tests (Holm). Open: "
        f"neither. "
        f"{about(rows)}"
    )
    return Table(caption, columns, cells)
