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
    denoiser: str = "set"
    """Of a diffusion model."""
    only: tuple[int, int] | None = None
    """K and L of the channels that it serves; None for all."""

    @property
    def drawn(self) -> dict[str, Any]:
        """Keyword arguments of matplotlib's lines."""
        return {"color": self.colour, "marker": self.marker, "linestyle": self.line}


UNET: Any = {"denoiser": "unet", "only": (2, 4)}
"""P1's own network at its own size."""

SCHEMES = {
    scheme.name: scheme
    for scheme in (
        Scheme("rzf-ns", "RZF-NS", "#8a8a8a", "v", method="rzf-ns"),
        Scheme("cdm-mlp", "CDM-MLP", "#CC79A7", "X", method="cdm-mlp"),
        Scheme("opt-plain", "OPT, plain", "#56B4E9", "s", "--", method="opt-plain"),
        Scheme("opt", "OPT", "#0072B2", "s", method="opt"),
        Scheme("cdm-unet", "CDM, P1's U-Net", "#E69F00", "^", ":", "cdm", **UNET),
        Scheme("cdm-f-unet", "CDM-F, P1's U-Net", "#D55E00", "^", ":", "cdm-f", **UNET),
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


def serving(num_users: int, num_eavesdroppers: int) -> dict[str, Scheme]:
    """The schemes for channels of that size."""
    size = (num_users, num_eavesdroppers)
    return {name: scheme for name, scheme in SCHEMES.items() if scheme.only in (None, size)}


def designs(key: Key[Array, ""], channels: Channels) -> Iterator[tuple[str, Strategy]]:
    """Every serving scheme's name and design; what is refined is not made twice."""
    made: dict[str, Strategy] = {}
    size = channels.h_user.shape[-2], channels.h_eve.shape[-2]
    for name, scheme in serving(*size).items():
        if scheme.refines:
            made[name] = gpip.refine(made[scheme.refines], *channels, num_steps=REFINE)
        else:
            options = {"num_samples": scheme.num_samples, "denoiser": scheme.denoiser}
            made[name] = design(scheme.method, key, channels, **options)
        yield name, jax.block_until_ready(made[name])
