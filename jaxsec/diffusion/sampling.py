"""Reverse diffusion: DDPM's ancestral sampling, P1 (15) and (16), and DDIM with any few steps.

A `Denoiser` here is a network with its parameters and condition filled in: (z [B, …], t [B]) to its
output. Coordinates that do not exist are kept at zero by `mask`.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key

from jaxsec import checks, keys
from jaxsec.diffusion.process import Prediction, Schedule, estimate, posterior

Denoiser = Callable[[Float[Array, "B *rest"], Int[Array, "B"]], Float[Array, "B *rest"]]

CLIP = 5.0
"""Largest coordinate a sampler believes, in standard deviations of the data."""


def ddim_times(schedule: Schedule, num_steps: int) -> np.ndarray:
    """[num_steps] times, evenly spaced and falling from the last, T − 1.

    Raises:
      InputError: `num_steps` is not between 1 and T.
    """
    total = schedule.beta.size
    checks.require(
        1 <= num_steps <= total,
        f"`num_steps` must lie between 1 and T = {total}, but is {num_steps}",
    )
    return np.round(total - np.arange(num_steps) * (total / num_steps)).astype(np.int32) - 1


def initial_noise(key: Key[Array, ""], shape: tuple[int, ...]) -> Float[Array, "..."]:
    """Where sampling starts, before the mask; fresh noise on the way has a stream of its own."""
    return jax.random.normal(jax.random.fold_in(key, 0), shape)


class Timesteps(NamedTuple):
    """The steps of a DDIM sampler, arrays of one length; those that are not active do nothing."""

    t: Int[Array | np.ndarray, "steps"]
    x0_weight: Float[Array | np.ndarray, "steps"]
    """What z is after the step: this much of the estimated x0 …"""
    eps_weight: Float[Array | np.ndarray, "steps"]
    """… of the estimated ε …"""
    fresh_weight: Float[Array | np.ndarray, "steps"]
    """… and of fresh noise."""
    active: Bool[Array | np.ndarray, "steps"]


def ddim_timesteps(
    schedule: Schedule, num_steps: int, *, eta: float = 0.0, pad_to: int | None = None
) -> Timesteps:
    """Steps of DDIM, padded to `pad_to` idle ones so that samplers of all lengths are one program.

    Raises:
      InputError: `num_steps` or `eta` is out of range.
    """
    checks.check_fraction("eta", eta)
    times = ddim_times(schedule, num_steps)
    before = schedule.alpha_bar[times]
    after = np.append(schedule.alpha_bar[times[1:]], 1.0)
    # Of the variance 1 − ᾱ after the step, this much is fresh.
    fresh = eta**2 * (1.0 - after) / (1.0 - before) * (1.0 - before / after)
    steps = (
        times,
        np.sqrt(after).astype(np.float32),
        np.sqrt(np.maximum(1.0 - after - fresh, 0.0)).astype(np.float32),
        np.sqrt(fresh).astype(np.float32),
        np.ones(num_steps, bool),
    )
    idle = 0 if pad_to is None else pad_to - num_steps
    return Timesteps(*(np.pad(x, (0, idle)) for x in steps))


def ddim(
    key: Key[Array, ""],
    denoiser: Denoiser,
    schedule: Schedule,
    mask: Float[Array, "B *rest"],
    *,
    num_steps: int,
    prediction: Prediction,
    eta: float = 0.0,
    clip: float | None = CLIP,
) -> Float[Array, "B *rest"]:
    """Samples by DDIM (J. Song et al., Denoising Diffusion Implicit Models, 2020, (12)).

    Args:
      key: for the initial noise, and for that of each step where `eta` > 0.
      mask: 1 where a coordinate exists; its shape is that of the samples.
      num_steps: network calls.
      eta: share of fresh noise: 0 is deterministic after the first draw, 1 is ancestral.
      clip: limit on the estimated x0, in standard deviations.

    Raises:
      InputError: `num_steps` or `eta` is out of range.
    """
    return ddim_scan(
        denoiser, schedule, mask, ddim_timesteps(schedule, num_steps, eta=eta),
        initial_noise(key, mask.shape),
        prediction=prediction, clip=clip, key=keys.stream(key, "fresh") if eta > 0.0 else None,
    )  # fmt: skip


def ddim_scan(
    denoiser: Denoiser,
    schedule: Schedule,
    mask: Float[Array, "B *rest"],
    timesteps: Timesteps,
    initial: Float[Array, "B *rest"],
    *,
    prediction: Prediction,
    clip: float | None = CLIP,
    key: Key[Array, ""] | None = None,
) -> Float[Array, "B *rest"]:
    """DDIM from given noise by given timesteps, which may be traced.

    Args:
      denoiser, schedule, mask, prediction, clip: as of `ddim`.
      timesteps: the steps.
      initial: what sampling starts from, such as `initial_noise`.
      key: for the fresh noise of the steps; without it nothing is drawn, and the weights of fresh
        noise must be zero. Batches that are to differ need keys that do.

    Raises:
      InputError: there is fresh noise and no key for it.
    """
    fresh = timesteps.fresh_weight
    checks.require(
        key is not None or not isinstance(fresh, np.ndarray) or not fresh.any(),
        "`key` must be given for timesteps with fresh noise, but is None",
    )

    def move(z, at: Timesteps, number):
        parts = _parts(denoiser, schedule, z, at.t, prediction, clip)
        z = at.x0_weight * parts.x0 + at.eps_weight * parts.eps
        if key is not None:
            z = z + at.fresh_weight * jax.random.normal(keys.step(key, number), z.shape)
        return z * mask

    always = isinstance(timesteps.active, np.ndarray) and bool(timesteps.active.all())

    def step(z, numbered):
        at, number = numbered
        if always:
            return move(z, at, number), None
        return jax.lax.cond(at.active, lambda z: move(z, at, number), lambda z: z, z), None

    steps = jax.tree.map(jnp.asarray, timesteps)
    z, _ = jax.lax.scan(step, initial * mask, (steps, jnp.arange(timesteps.t.shape[0])))
    return jnp.asarray(z)


def ancestral(
    key: Key[Array, ""],
    denoiser: Denoiser,
    schedule: Schedule,
    mask: Float[Array, "B *rest"],
    *,
    prediction: Prediction,
    clip: float | None = CLIP,
) -> Float[Array, "B *rest"]:
    """Samples by all T steps of P1 (15), mean (16), variance β̃_t = β_t·(1−ᾱ_{t−1})/(1−ᾱ_t)."""
    # (16) written with the estimated x0 instead of ε̂, since it can be clipped.
    reverse = posterior(schedule)
    key_fresh = keys.stream(key, "fresh")

    def step(z, at):
        t, x0_weight, z_weight, deviation = at
        parts = _parts(denoiser, schedule, z, t, prediction, clip)
        noise = jax.random.normal(keys.step(key_fresh, t), z.shape)
        return (x0_weight * parts.x0 + z_weight * z + deviation * noise) * mask, None

    order = np.arange(schedule.alpha_bar.size)[::-1]
    initial = initial_noise(key, mask.shape) * mask
    steps = tuple(jnp.asarray(x[order], jnp.float32) for x in reverse)
    return jax.lax.scan(step, initial, (jnp.asarray(order, jnp.int32), *steps))[0]


def _parts(denoiser, schedule, z, t, prediction, clip):
    times = jnp.full(z.shape[0], t, jnp.int32)
    return estimate(schedule, z, times, denoiser(z, times), prediction, clip)
