"""Noise levels of the diffusion, even in decibels, and the chain that begins at a channel's own.

An observation y = x + σn, n ~ N(0, 1), over √(1 + σ²) has the distribution of the forward process
at the step where ᾱ = 1/(1 + σ²): its signal-to-noise ratio ᾱ/(1 − ᾱ) is the channel's, 1/σ². From
there the chain runs down to ᾱ = 1 without drawing anything (T. Wu et al., CDDM: Channel Denoising
Diffusion Models for Wireless Communications, IEEE GLOBECOM 2023; J. Song et al., DDIM, 2020, (12)).

Steps of a quarter of a decibel put every channel within an eighth of a decibel of a step.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int

from jaxsec import checks
from jaxsec.diffusion.process import Prediction, Schedule
from jaxsec.diffusion.sampling import Denoiser, Timesteps, ddim_scan

MAX_SNR_DB, MIN_SNR_DB = 35.0, -15.0
"""Of the first step and of the last."""
STEPS_A_DB = 4


def schedule() -> Schedule:
    """ᾱ_t = 1/(1 + 10^(−SNR_t/10)), SNR_t falling evenly from the highest to the lowest."""
    count = round((MAX_SNR_DB - MIN_SNR_DB) * STEPS_A_DB) + 1
    snr = 10.0 ** (np.linspace(MAX_SNR_DB, MIN_SNR_DB, count) / 10.0)
    alpha_bar = snr / (1.0 + snr)
    return Schedule(1.0 - alpha_bar / np.append(1.0, alpha_bar[:-1]), alpha_bar)


SCHEDULE = schedule()


def check_snr(name: str, snr_db: ArrayLike) -> None:
    """Raises `InputError` unless all of a concrete array's ratios are those of a step."""
    values = np.asarray(snr_db)
    outside = values[~((values >= MIN_SNR_DB) & (values <= MAX_SNR_DB))]
    checks.require(
        outside.size == 0,
        f"`{name}` must lie between {MIN_SNR_DB:g} and {MAX_SNR_DB:g} dB, but has "
        f"{outside.flat[0] if outside.size else None}",
    )


def entry(snr_db: Float[ArrayLike, "*B"]) -> Int[Array, "*B"]:
    """The step whose signal-to-noise ratio is nearest."""
    index = jnp.round((MAX_SNR_DB - jnp.asarray(snr_db)) * STEPS_A_DB).astype(jnp.int32)
    return jnp.clip(index, 0, SCHEDULE.alpha_bar.size - 1)


def timesteps(first: Int[Array, ""], num_steps: int) -> Timesteps:
    """Evenly spaced steps from `first` down, whose last ends at the clean sample.

    Those of `sampling.ddim_timesteps`, but for where they begin, which may be traced.
    """
    falling = 1.0 - np.arange(num_steps) / num_steps
    t = jnp.round((first + 1) * jnp.asarray(falling, jnp.float32)) - 1.0
    t = jnp.maximum(t, 0.0).astype(jnp.int32)
    after = jnp.append(jnp.asarray(SCHEDULE.alpha_bar, jnp.float32)[t[1:]], 1.0)
    nothing, always = np.zeros(num_steps, np.float32), np.ones(num_steps, bool)
    return Timesteps(t, jnp.sqrt(after), jnp.sqrt(1.0 - after), nothing, always)


def denoise(
    denoiser: Denoiser,
    z: Float[Array, "B *rest"],
    first: Int[Array, ""],
    num_steps: int,
    *,
    prediction: Prediction,
) -> Float[Array, "B *rest"]:
    """The end of the deterministic chain that begins at `z`.

    Args:
      denoiser: from noisy samples and their steps to what the network puts out.
      z: observations over √(1 + σ²).
      first: their step.
      num_steps: calls of the network; the first gives its estimate of the clean sample.
      prediction: what the network puts out.
    """
    steps = timesteps(first, num_steps)
    return ddim_scan(
        denoiser, SCHEDULE, jnp.ones_like(z), steps, z, prediction=prediction, clip=None
    )
