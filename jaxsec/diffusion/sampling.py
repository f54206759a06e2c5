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

from jaxsec import checks
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


def first_noise(key: Key[Array, ""], shape: tuple[int, ...]) -> Float[Array, "..."]:
    """Where sampling starts, before the mask."""
    return jax.random.normal(jax.random.fold_in(key, 0), shape)


class Plan(NamedTuple):
    """The steps of a DDIM sampler, arrays of one length; those that are not active do nothing."""

    t: Int[Array | np.ndarray, "steps"]
    signal: Float[Array | np.ndarray, "steps"]
    """Of z after the step: share of the estimated start, of the estimated noise, of fresh noise."""
    kept: Float[Array | np.ndarray, "steps"]
    fresh: Float[Array | np.ndarray, "steps"]
    active: Bool[Array | np.ndarray, "steps"]


def ddim_plan(
    schedule: Schedule, num_steps: int, *, eta: float = 0.0, longest: int | None = None
) -> Plan:
    """Steps of DDIM; filled up to `longest`, so that samplers of all lengths are one program.

    Raises:
      InputError: `num_steps` or `eta` is out of range.
    """
    checks.check_fraction("eta", eta)
    times = ddim_times(schedule, num_steps)
    before = schedule.signal[times]
    after = np.append(schedule.signal[times[1:]], 1.0)
    # Of the variance 1 − ᾱ after the step, this much is fresh.
    fresh = eta**2 * (1.0 - after) / (1.0 - before) * (1.0 - before / after)
    steps = (
        times,
        np.sqrt(after).astype(np.float32),
        np.sqrt(np.maximum(1.0 - after - fresh, 0.0)).astype(np.float32),
        np.sqrt(fresh).astype(np.float32),
        np.ones(num_steps, bool),
    )
    idle = 0 if longest is None else longest - num_steps
    return Plan(*(np.pad(x, (0, idle)) for x in steps))


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
    first: Float[Array, "B *rest"] | None = None,
) -> Float[Array, "B *rest"]:
    """Samples by DDIM (J. Song et al., Denoising Diffusion Implicit Models, 2020, (12)).

    Args:
      key: for the first noise, and for that of each step where `eta` > 0.
      mask: 1 where a coordinate exists; its shape is that of the samples.
      num_steps: network calls.
      eta: share of fresh noise: 0 is deterministic after the first draw, 1 is ancestral.
      clip: limit on the estimated start, in standard deviations.
      first: what `first_noise` gives for `key`, for who draws it for more than this batch.

    Raises:
      InputError: `num_steps` or `eta` is out of range.
    """
    plan = ddim_plan(schedule, num_steps, eta=eta)
    first = first_noise(key, mask.shape) if first is None else jnp.asarray(first)
    return follow(
        key, denoiser, schedule, mask, plan, first,
        prediction=prediction, clip=clip, noisy=eta > 0.0,
    )  # fmt: skip


def follow(
    key: Key[Array, ""],
    denoiser: Denoiser,
    schedule: Schedule,
    mask: Float[Array, "B *rest"],
    plan: Plan,
    first: Float[Array, "B *rest"],
    *,
    prediction: Prediction,
    clip: float | None = CLIP,
    noisy: bool = False,
) -> Float[Array, "B *rest"]:
    """DDIM by a plan, which may be traced; fresh noise is drawn where it is `noisy`."""

    def move(z, at: Plan, number):
        parts = _parts(denoiser, schedule, z, at.t, prediction, clip)
        z = at.signal * parts.start + at.kept * parts.noise
        if noisy:
            z = z + at.fresh * jax.random.normal(jax.random.fold_in(key, number), z.shape)
        return z * mask

    always = isinstance(plan.active, np.ndarray) and bool(plan.active.all())

    def step(z, numbered):
        at, number = numbered
        if always:
            return move(z, at, number), None
        return jax.lax.cond(at.active, lambda z: move(z, at, number), lambda z: z, z), None

    steps = jax.tree.map(jnp.asarray, plan)
    numbers = jnp.arange(1, plan.t.shape[0] + 1)
    z, _ = jax.lax.scan(step, first * mask, (steps, numbers))
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
    # (16) written with the estimated start instead of ε̂, since it can be clipped.
    reverse = posterior(schedule)

    def step(z, at):
        t, start_weight, z_weight, deviation = at
        parts = _parts(denoiser, schedule, z, t, prediction, clip)
        noise = jax.random.normal(jax.random.fold_in(key, t + 1), z.shape)
        return (start_weight * parts.start + z_weight * z + deviation * noise) * mask, None

    order = np.arange(schedule.signal.size)[::-1]
    first = first_noise(key, mask.shape) * mask
    steps = tuple(jnp.asarray(x[order], jnp.float32) for x in reverse)
    return jax.lax.scan(step, first, (jnp.asarray(order, jnp.int32), *steps))[0]


def _parts(denoiser, schedule, z, t, prediction, clip):
    times = jnp.full(z.shape[0], t, jnp.int32)
    return estimate(schedule, z, times, denoiser(z, times), prediction, clip)
