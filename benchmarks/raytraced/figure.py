"""Where beams and artificial noise go in the streets: a map of what every point receives.

    python -m benchmarks.raytraced.figure --out docs/street.png [--site florence] [--method opt]

Three maps of the same channel and the same design: power of the beams and of the artificial noise
over receiver noise, and the rate at which an eavesdropper at that point could decode a user's beam.
"""

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import jax
import matplotlib as mpl
import numpy as np
import tyro
from matplotlib.colors import Normalize
from matplotlib.patches import Patch
from matplotlib.ticker import MultipleLocator

import jaxsec
from benchmarks.raytraced import sites
from benchmarks.raytraced.sites import SITES, Scene
from jaxsec.channels import Channels
from jaxsec.checks import InputError
from jaxsec.report import judge, style
from jaxsec.report.style import COLOURS, INK, STYLE
from jaxsec.strategy import Strategy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_DB = 55.0
MAX_RATE = 8.0
"""Ends of the colour scales, which start at 0."""
USER, EAVESDROPPER, BASE = "#ffffff", COLOURS[1], COLOURS[5]
GROUND = "#cfcfcf"
"""Streets without a path."""


@dataclasses.dataclass(frozen=True)
class Arguments:
    out: Path
    """Picture: .png, .pdf or .svg."""
    site: Literal["florence", "san_francisco"] = "san_francisco"
    channel: int = 21
    """Which of the site's channels."""
    method: str = "opt"
    """Method that designs, by name."""
    seed: int = 0


def received(h: np.ndarray, strategy: Strategy, noise_power: Any) -> dict[str, np.ndarray]:
    """What street points receive.

    Args:
      h: channels [S, M].
      strategy: w [M, K], v [M, J].
      noise_power: σ0²/P.

    Returns:
      Power over receiver noise of the beams and of the artificial noise, in dB, and the rate of the
      user that is overheard best, bit/s/Hz; [S] each, NaN without a path.
    """
    h = h.astype(complex)
    beams = np.abs(h.conj() @ np.asarray(strategy.w)) ** 2 / noise_power  # [S, K]
    noise = np.sum(np.abs(h.conj() @ np.asarray(strategy.v)) ** 2, axis=-1) / noise_power
    others = beams @ (1.0 - np.eye(beams.shape[-1]))
    rate = np.max(np.log2(1.0 + beams / (others + noise[:, None] + 1.0)), axis=-1)
    heard = np.any(h != 0, axis=-1)
    with np.errstate(divide="ignore"):
        values = {
            "beams": 10.0 * np.log10(beams.sum(axis=-1)),
            "noise": 10.0 * np.log10(noise),
            "rate": rate,
        }
    return {name: np.where(heard, value, np.nan) for name, value in values.items()}


def plot(path: Path, scene: Scene, channel: int, maps: dict[str, np.ndarray], title: str) -> None:
    """Draws the three maps.

    Args:
      path: ends in .png, .pdf or .svg.
      scene: of the site.
      channel: whose users and eavesdroppers are shown.
      maps: what `received` says of the scene's street points.
      title: of the picture.

    Raises:
      InputError: `path` cannot be written.
    """
    panels = (
        ("beams", "Beams", "power over receiver noise (dB)", "viridis", MAX_DB),
        ("noise", "Artificial noise", "power over receiver noise (dB)", "viridis", MAX_DB),
        ("rate", "What an eavesdropper there could decode", "rate (bit/s/Hz)", "magma", MAX_RATE),
    )
    with mpl.rc_context(STYLE):
        figure = style.blank(14.0, 6.0)
        row = figure.subplots(1, 3, sharey=True)
        for axes, (name, heading, label, colours, top) in zip(row, panels, strict=True):
            image = _map(axes, scene, maps[name], colours, top)
            _receivers(axes, scene, channel)
            axes.set_title(heading)
            axes.set_xlabel("x from the base station (m)")
            bar = figure.colorbar(
                image, ax=axes, location="bottom", shrink=0.85, aspect=30, pad=0.02, extend="max"
            )
            bar.set_label(label)
            bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
        row[0].set_ylabel("y from the base station (m)")
        handles = [
            *row[0].get_legend_handles_labels()[0],
            Patch(facecolor=GROUND, label="open ground without a path"),
            Patch(facecolor="#8c8c8c", edgecolor=INK, label="roofs, the darker the higher"),
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=5, frameon=False)
        figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
        style.save(figure, path)


def _map(axes: "Axes", scene: Scene, values: np.ndarray, colours: str, top: float) -> Any:
    """Roofs in grey, the higher the darker, streets in colour; metres from the base station."""
    from scipy.ndimage import distance_transform_edt  # takes a moment to import

    on_street = np.full(scene.street.shape, np.nan)
    on_street[scene.street] = values
    # Roofs are finer than streets: these reach a cell further, and roofs are drawn over them.
    found: Any = distance_transform_edt(~scene.street, return_indices=True)
    on_street = np.where(found[0] < 2.0, on_street[tuple(found[1])], np.nan)
    axes.set_facecolor(GROUND)
    image = axes.imshow(
        on_street, cmap=colours, norm=Normalize(0.0, top), interpolation="nearest",
        extent=_extent(scene.base, scene.x, scene.y), origin="lower",
    )  # fmt: skip
    roof = np.asarray(scene.roof, float)
    extent = _extent(scene.base, scene.roof_x, scene.roof_y)
    axes.imshow(
        roof, cmap="Greys", norm=Normalize(-40.0, 60.0), extent=extent, origin="lower",
        interpolation="nearest",
    )  # fmt: skip
    x, y = scene.roof_x - scene.base[0], scene.roof_y - scene.base[1]
    axes.contour(x, y, np.isnan(roof), [0.5], colors=INK, linewidths=0.5)
    axes.grid(visible=False)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MultipleLocator(50.0))
    axes.set_xlim(extent[0], extent[1])
    axes.set_ylim(extent[2], extent[3])
    return image


def _extent(base: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[float, float, float, float]:
    half = (x[1] - x[0]) / 2
    x, y = x - base[0], y - base[1]
    return float(x[0] - half), float(x[-1] + half), float(y[0] - half), float(y[-1] + half)


def _receivers(axes: "Axes", scene: Scene, channel: int) -> None:
    for positions, label, marker, colour, size in (
        (scene.base[None], "base station", "*", BASE, 170),
        (scene.users[channel], "users", "o", USER, 40),
        (scene.eavesdroppers[channel], "eavesdroppers", "v", EAVESDROPPER, 20),
    ):
        x, y = (positions - scene.base)[:, :2].T
        axes.scatter(
            x, y, s=size, marker=marker, color=colour, edgecolor="black", linewidth=0.9,
            label=label, zorder=3, clip_on=False,
        )  # fmt: skip


def main(arguments: Arguments) -> int:
    """Designs, draws, and says what the design reaches."""
    site = SITES[arguments.site]
    scene, whole = sites.load_scene(site), sites.load(site)
    if not 0 <= arguments.channel < len(whole.h_user):
        raise InputError(f"`channel` must be below {len(whole.h_user)}")
    one = slice(arguments.channel, arguments.channel + 1)
    channels = Channels(whole.h_user[one], whole.h_eve[one], whole.noise_power)
    key = jax.random.key(arguments.seed)
    strategy = jaxsec.design(channels, method=arguments.method, key=key)
    rate = float(judge.secrecy_rates(strategy, channels).sum())
    maps = received(scene.h_street, jax.tree.map(lambda x: x[0], strategy), channels.noise_power)
    title = (
        f"{site.title}, 3.5 GHz, 8 antennas: {arguments.method} keeps {rate:.1f} bit/s/Hz secret"
    )
    plot(arguments.out, scene, arguments.channel, maps, title)
    print(f"{rate:.2f} bit/s/Hz; written to {arguments.out}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(tyro.cli(Arguments)))
    except InputError as error:
        sys.exit(f"error: {error}")
