"""What denoised channel estimates are worth: squared error, and secrecy rate after `design`.

Channels are those of users and eavesdroppers of one cell, drawn with the model's clusters; every
link is observed by pilots of the same signal-to-noise ratio over its own large-scale gain, which is
known. Each way to estimate hands its means and error variances to the same robust design, whose
rate on the true channels is judged.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, Key

from jaxsec import checks, keys
from jaxsec.channel_denoising import levels
from jaxsec.channel_denoising.pilots import links
from jaxsec.channel_denoising.pilots.estimate import Denoised, estimate
from jaxsec.channel_denoising.pilots.file import ChannelDenoiser
from jaxsec.channels import Channels, Scenario, fade, large_scale_gain, sample_geometry
from jaxsec.channels.knowledge import Posterior
from jaxsec.designer import design
from jaxsec.report import statistics
from jaxsec.secrecy import sum_secrecy_rate

LINEAR = "linear MMSE"
"""What all ways are compared with."""


class Cell(NamedTuple):
    """Channels to be estimated, and the large-scale gains that are known of them."""

    channels: Channels
    gain: Float[Array, "n R"]
    """Amplitude, users first."""


class Row(NamedTuple):
    """A way to estimate at one signal-to-noise ratio; intervals are half widths over channels."""

    snr_db: float
    way: str
    nmse: float
    """Mean of |ĥ − h|² over the links' mean power."""
    nmse_ci95: float | None
    nmse_less: float
    """Mean of that below the linear estimate's on the same channels."""
    nmse_less_ci95: float | None
    said: float
    """The mean of the error variances that the way itself states."""
    rate: float
    """Mean sum secrecy rate on the true channels, bit/s/Hz."""
    rate_ci95: float | None
    rate_more: float
    """Mean of that above the linear estimate's on the same channels."""
    rate_more_ci95: float | None


def sample_cell(key: Key[Array, ""], scenario: Scenario, n: int) -> Cell:
    """Draws channels as `jaxsec.sample_channels` does, and keeps their gains."""
    key_places, key_fading = jax.random.split(key)
    places = sample_geometry(key_places, scenario, n)
    positions = jnp.concatenate(places, axis=1)
    return Cell(fade(key_fading, scenario, places), large_scale_gain(positions, scenario))


def ways(
    model: ChannelDenoiser, num_steps: Sequence[int]
) -> dict[str, Callable[[Complex[Array, "n M"], Float[Array, "n"]], Denoised]]:
    """Every way to estimate links of unit mean power, by its name."""

    def linear(y: Array, noise: Array) -> Denoised:
        mean, error = links.linear(y, noise, jnp.asarray(model.covariance, jnp.complex64))
        return Denoised(mean, jnp.trace(error, axis1=1, axis2=2).real / y.shape[-1])

    found = {
        "least squares": Denoised,
        LINEAR: linear,
        "regressor": functools.partial(estimate, model, network="regressor"),
    }
    for count in num_steps:
        name = "denoiser, 1 call" if count == 1 else f"denoiser, chain of {count}"
        found[name] = functools.partial(estimate, model, num_steps=count)
    return found


def judge(
    model: ChannelDenoiser,
    *,
    snrs_db: Sequence[float],
    num_steps: Sequence[int],
    num_channels: int,
    seed: int,
    advance: Callable[[int], object] = lambda done: None,
) -> list[Row]:
    """A row for every way to estimate at every signal-to-noise ratio of the pilots.

    Args:
      model: trained denoiser and its control.
      snrs_db: of the pilots, 1/σ².
      num_steps: calls of the denoiser, a way each.
      num_channels: fresh ones, the same for all.
      seed: of the channels, of the pilots' noise and of the design's draws.
      advance: told of every design that is done.

    Raises:
      InputError: a number is out of its range.
    """
    checks.check_at_least("num_channels", num_channels, 2)
    levels.check_snr("snrs_db", np.asarray(snrs_db))
    for count in num_steps:
        checks.check_at_least("num_steps", count, 1)
    scenario = model.config.scenario(num_users=2, num_eavesdroppers=4)
    cell = sample_cell(keys.stream(seed, "denoise/channels"), scenario, num_channels)
    compiled = {name: jax.jit(way) for name, way in ways(model, num_steps).items()}
    rows = []
    for snr_db in snrs_db:
        found = {}
        for name, way in compiled.items():
            found[name] = measure(way, cell, snr_db, seed)
            advance(1)
        rows += [row(snr_db, name, found[name], found[LINEAR]) for name in found]
    return rows


class Measured(NamedTuple):
    """One way's numbers on every channel."""

    error: Float[np.ndarray, "n"]
    said: float
    rate: Float[np.ndarray, "n"]


def measure(way: Any, cell: Cell, snr_db: float, seed: int) -> Measured:
    """Estimates all links, designs for what is then known, and judges on the true channels."""
    known, error = known_by(way, cell, snr_db, seed)
    noise = cell.channels.noise_power
    strategy = design(
        known, noise_power=noise, method="opt-robust", key=keys.stream(seed, "denoise/design")
    )
    rate = sum_secrecy_rate(strategy, cell.channels)
    gain2 = np.square(np.asarray(cell.gain))
    said = np.concatenate([known.error_user, known.error_eve], axis=1) / gain2
    return Measured(error, float(said.mean()), np.asarray(rate, np.float64))


def known_by(
    way: Any, cell: Cell, snr_db: float, seed: int
) -> tuple[Posterior, Float[np.ndarray, "n"]]:
    """What a way knows of the channels, and its normalised squared error on each."""
    h = jnp.concatenate([cell.channels.h_user, cell.channels.h_eve], axis=1)
    unit = h / cell.gain[..., None]
    flat = unit.reshape(-1, h.shape[-1])
    noise = jnp.full(flat.shape[:1], 10.0 ** (-snr_db / 10.0))
    y = links.observe(keys.stream(seed, f"denoise/pilots {snr_db:g}"), flat, noise)
    found = way(y, noise)
    error = np.mean(np.square(np.abs(np.asarray(found.h - flat))), axis=-1)
    mean = found.h.reshape(h.shape) * cell.gain[..., None]
    variance = found.error.reshape(cell.gain.shape) * jnp.square(cell.gain)
    k = cell.channels.h_user.shape[1]
    known = Posterior(mean[:, :k], mean[:, k:], variance[:, :k], variance[:, k:])
    return known, error.reshape(cell.gain.shape).mean(axis=1)


def row(snr_db: float, way: str, ours: Measured, linear: Measured) -> Row:
    """Means, and differences on the same channels, with their intervals."""
    nmse, rate = statistics.mean_ci(ours.error), statistics.mean_ci(ours.rate)
    less = statistics.paired_difference(linear.error, ours.error)
    more = statistics.paired_difference(ours.rate, linear.rate)
    return Row(float(snr_db), way, *nmse, *less, ours.said, *rate, *more)
