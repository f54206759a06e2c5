"""The schemes that the figures compare: what each one runs, and how it is drawn.

Colours tell families apart with any colour vision (Okabe and Ito's), markers and lines the members.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
from jaxtyping import Array, Key

import jaxsec
from jaxsec.channels import Channels
from jaxsec.precoding import gpip
from jaxsec.strategy import Strategy

REFINE = 2
"""Steps of OPT's iteration after the best of several samples."""


class Scheme(NamedTuple):
    """A row of the table."""

    name: str
    label: str
    colour: str
    marker: str
    line: str = "-"
    method: str = ""
    """In `methods.METHODS`; none for a scheme that refines another."""
    num_samples: int = 1
    refines: str = ""
    """The scheme of an earlier row whose design this one refines."""

    @property
    def drawn(self) -> dict[str, Any]:
        """Keyword arguments of matplotlib's lines."""
        return {"color": self.colour, "marker": self.marker, "linestyle": self.line}


SCHEMES = {
    scheme.name: scheme
    for scheme in (
        Scheme("rzf-ns", "RZF-NS", "#8a8a8a", "v", method="rzf-ns"),
        Scheme("cdm-mlp", "CDM-MLP", "#CC79A7", "X", method="cdm-mlp"),
        Scheme("opt-plain", "OPT, plain", "#56B4E9", "s", "--", method="opt-plain"),
        Scheme("opt", "OPT", "#0072B2", "s", method="opt"),
        Scheme("cdm", "CDM", "#E69F00", "o", method="cdm"),
        Scheme("cdm-f", "CDM-F", "#D55E00", "o", method="cdm-f-rayleigh"),
        Scheme("cdm-f-8", "CDM-F, best of 8", "#009E73", "D", "--", "cdm-f-rayleigh", 8),
        Scheme(
            "cdm-f-8-refined", f"CDM-F, best of 8 + {REFINE}", "#009E73", "P", refines="cdm-f-8"
        ),
    )
}  # fmt: skip
"""By name, in the order of legends and tables."""

BEST_KNOWN = "#000000"


def design(method: str, key: Key[Array, ""], channels: Channels, **options: Any) -> Strategy:
    """A method's design."""
    return jaxsec.design(channels, method=method, key=key, **options)


def designs(key: Key[Array, ""], channels: Channels) -> Iterator[tuple[str, Strategy]]:
    """Every scheme's name and design; what is refined is not made twice."""
    made: dict[str, Strategy] = {}
    for name, scheme in SCHEMES.items():
        if scheme.refines:
            made[name] = gpip.refine(made[scheme.refines], *channels, num_steps=REFINE)
        else:
            made[name] = design(scheme.method, key, channels, num_samples=scheme.num_samples)
        yield name, jax.block_until_ready(made[name])
