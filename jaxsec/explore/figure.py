"""Maps of a view: where the users' beams go, and where the artificial noise goes."""

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import matplotlib as mpl
import numpy as np
from jaxtyping import Array, Complex, Float
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from jaxsec.explore import plane
from jaxsec.explore.view import View
from jaxsec.report import style
from jaxsec.report.style import INK, STYLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = "cividis"
PIXELS = 96
"""Along a side of the map."""
SPAN_DB = 40.0
"""From the darkest to the brightest colour."""
BRIGHTEST = 0.99
"""Share of the pixels that are not brighter than that: next to the antennas all is bright."""


def maps(view: View) -> dict[str, Float[np.ndarray, "Y X"]]:
    """Mean power over receiver noise, dB, of the users' beams and of the artificial noise.

    Rows are places along y from below, columns along x; nothing sent is minus infinity.
    """
    side = plane.RANGE_M * (np.arange(PIXELS) + 0.5) / PIXELS
    x_m, y_m = np.meshgrid(side, side - plane.RANGE_M / 2)
    places = jnp.asarray(np.stack([x_m.ravel(), y_m.ravel()], axis=-1), jnp.float32)
    noise = float(view.channels.noise_power)

    def decibels(u: Complex[Array, "M N"]) -> Float[np.ndarray, "Y X"]:
        power = np.asarray(_powers(u, places, view.scenario), np.float64) / noise
        with np.errstate(divide="ignore"):
            return 10.0 * np.log10(power.reshape(PIXELS, PIXELS))

    return {"beams": decibels(view.strategy.w), "artificial noise": decibels(view.strategy.v)}


_powers = jax.jit(plane.mean_powers, static_argnums=2)


def plot(view: View) -> Figure:
    """Both maps side by side, receivers on them."""
    with mpl.rc_context({**STYLE, "axes.grid": False}):
        figure = style.blank(9.5, 4.6)
        drawn = maps(view)
        top = np.ceil(max(np.quantile(x, BRIGHTEST) for x in drawn.values()) / 10.0) * 10.0
        axes = figure.subplots(1, 2, sharey=True)
        half = plane.RANGE_M / 2
        scale = Normalize(top - SPAN_DB, top)
        for each, (name, decibels) in zip(axes, drawn.items(), strict=True):
            each.imshow(
                np.maximum(decibels, top - SPAN_DB),
                origin="lower",
                extent=(0.0, plane.RANGE_M, -half, half),
                norm=scale,
                cmap=COLOURS,
            )
            each.set_title(f"{name[0].upper()}{name[1:]}")
            each.set_xlabel("x (m)")
            _mark(each, view)
        axes[0].set_ylabel("y (m)")
        colours = ScalarMappable(scale, COLOURS)
        figure.colorbar(colours, ax=axes, label="mean power over receiver noise (dB)", shrink=0.85)
        axes[0].legend(loc="lower left", fontsize=8)
    return figure


def _mark(axes: "Axes", view: View) -> None:
    kinds = (
        (view.users_m, "o", "users", "#ffffff"),
        (view.eves_m, "X", "eavesdroppers", "#D55E00"),
    )
    for places, marker, label, colour in kinds:
        axes.scatter(
            *places.T, marker=marker, s=70, color=colour, edgecolors=INK, label=label, zorder=3
        )
        for i, (x_m, y_m) in enumerate(places):
            axes.annotate(str(i), (x_m, y_m), (6, 6), textcoords="offset points", color="#ffffff")
    axes.scatter([0.0], [0.0], marker="^", s=80, color="#56B4E9", clip_on=False, zorder=3)
