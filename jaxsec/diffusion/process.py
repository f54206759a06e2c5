"""The forward process and the denoising objective, P1 (13), (14) and (18).

Times t are integers in [0, T): the noise level after t + 1 steps of (13). Arrays lead with the
batch B; a time is one a sample. J. Ho et al., Denoising Diffusion Probabilistic Models, 2020.
"""

from typing import Literal, NamedTuple, get_args

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxsec import checks

Prediction = Literal["noise", "start", "velocity"]
"""What a network puts out: ε of (18), x0 = z⁽⁰⁾, or √ᾱ·ε − √(1−ᾱ)·z⁽⁰⁾ (Salimans & Ho, 2022).

The three are the same knowledge, weighed differently over time. From pure noise ε says nothing
about z⁽⁰⁾, which is then lost for samplers of few steps; the other two say what they can.
"""


class Schedule(NamedTuple):
    """Noise levels of the T steps."""

    beta: np.ndarray
    """[T] variance that each step adds."""
    alpha_bar: np.ndarray
    """[T] ᾱ_t = Π(1 − β): share of z⁽⁰⁾ in the variance after step t."""


class Estimate(NamedTuple):
    """A noisy sample taken apart: z⁽ᵗ⁾ = √ᾱ_t·x0 + √(1−ᾱ_t)·ε."""

    x0: Float[Array, "B *rest"]
    """The clean sample z⁽⁰⁾."""
    eps: Float[Array, "B *rest"]
    """The noise ε."""


class Posterior(NamedTuple):
    """q(z⁽ᵗ⁻¹⁾ | z⁽ᵗ⁾, z⁽⁰⁾) of every step, Ho et al. (6) and (7): a Gaussian.

    Its mean is x0·z⁽⁰⁾ + current·z⁽ᵗ⁾. At t = 0 it is z⁽⁰⁾ itself, without deviation.
    """

    x0: np.ndarray
    """[T] √ᾱ_{t−1}·β_t/(1 − ᾱ_t)."""
    current: np.ndarray
    """[T] √α_t·(1 − ᾱ_{t−1})/(1 − ᾱ_t)."""
    deviation: np.ndarray
    """[T] √β̃_t, β̃_t = β_t·(1 − ᾱ_{t−1})/(1 − ᾱ_t)."""


def posterior(schedule: Schedule) -> Posterior:
    """What reverse diffusion draws from at every step, its estimate of z⁽⁰⁾ taken for it."""
    beta, alpha_bar = schedule
    before = np.append(1.0, alpha_bar[:-1])
    return Posterior(
        np.sqrt(before) * beta / (1.0 - alpha_bar),
        np.sqrt(1.0 - beta) * (1.0 - before) / (1.0 - alpha_bar),
        np.sqrt(beta * (1.0 - before) / (1.0 - alpha_bar)),
    )


def linear_schedule(num_steps: int = 1000, first: float = 1e-4, last: float = 0.02) -> Schedule:
    """P1, Section IV: β rises linearly from `first` to `last`.

    Raises:
      InputError: no step, or variances that are not in (0, 1).
    """
    checks.check_at_least("num_steps", num_steps, 1)
    for name, value in (("first", first), ("last", last)):
        checks.require(0.0 < value < 1.0, f"`{name}` must lie in (0, 1), but is {value}")
    beta = np.linspace(first, last, num_steps)
    return Schedule(beta, np.cumprod(1.0 - beta))


def check_prediction(prediction: str) -> None:
    """Raises `InputError` for an unknown kind of prediction."""
    known = get_args(Prediction)
    checks.require(
        prediction in known,
        f"`prediction` must be one of {', '.join(known)}, but is {prediction!r}",
    )


def amplitudes(
    schedule: Schedule, t: Int[Array, "B"], ndim: int
) -> tuple[Float[Array, "B ..."], Float[Array, "B ..."]]:
    """√ᾱ_t and √(1−ᾱ_t), shaped to multiply samples of `ndim` axes."""
    shape = (-1,) + (1,) * (ndim - 1)
    clean = np.sqrt(schedule.alpha_bar).astype(np.float32)
    noise = np.sqrt(1.0 - schedule.alpha_bar).astype(np.float32)
    return jnp.asarray(clean)[t].reshape(shape), jnp.asarray(noise)[t].reshape(shape)


def add_noise(
    schedule: Schedule,
    x0: Float[Array, "B *rest"],
    t: Int[Array, "B"],
    eps: Float[Array, "B *rest"],
) -> Float[Array, "B *rest"]:
    """P1 (14): z⁽ᵗ⁾ = √ᾱ_t·z⁽⁰⁾ + √(1−ᾱ_t)·ε."""
    a, b = amplitudes(schedule, t, x0.ndim)
    return a * x0 + b * eps


def target(
    schedule: Schedule, exact: Estimate, t: Int[Array, "B"], prediction: Prediction
) -> Float[Array, "B *rest"]:
    """What the network should put out for a sample whose parts are known."""
    if prediction == "noise":
        return exact.eps
    if prediction == "start":
        return exact.x0
    a, b = amplitudes(schedule, t, exact.x0.ndim)
    return a * exact.eps - b * exact.x0


def estimate(
    schedule: Schedule,
    z: Float[Array, "B *rest"],
    t: Int[Array, "B"],
    output: Float[Array, "B *rest"],
    prediction: Prediction,
    clip: float | None = None,
) -> Estimate:
    """The parts of a noisy sample that a network's output stands for.

    With `clip`, x0 is limited to [−clip, clip] and ε is what then explains z.
    """
    a, b = amplitudes(schedule, t, z.ndim)
    if prediction == "noise":
        x0 = (z - b * output) / a
    elif prediction == "start":
        x0 = output
    else:
        x0 = a * z - b * output
    if clip is not None:
        x0 = jnp.clip(x0, -clip, clip)
    return Estimate(x0, (z - a * x0) / b)


def denoising_loss(
    output: Float[Array, "B *rest"],
    wanted: Float[Array, "B *rest"],
    mask: Float[Array, "B *rest"],
) -> Float[Array, ""]:
    """P1 (18) over the coordinates that exist: the mean squared error where `mask` is 1."""
    error = jnp.square((output - wanted) * mask)
    return jnp.sum(error) / jnp.maximum(jnp.sum(mask), 1.0)
