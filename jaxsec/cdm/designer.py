"""CDM, P1's generative designer: candidates sampled from a diffusion model, the best kept.

model = pretrained.load("cdm-set")
strategy = cdm.design(key, model, *channels, num_samples=8)
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float, Key

from jaxsec import checks
from jaxsec.cdm.aimed import Asked, asked_for, closed_form, fitted
from jaxsec.cdm.model import Model, check_size, sampling_steps
from jaxsec.cdm.sampler import Sampler, best_of, sampler_of
from jaxsec.channels import Channels
from jaxsec.precoding import gpip
from jaxsec.precoding.batched.programs import PROGRAMS
from jaxsec.secrecy import Objective, PowerConstraint, sum_secrecy_rate
from jaxsec.shapes import AnyArray, flat
from jaxsec.strategy import Size, Strategy

NUM_STARTS, NUM_STEPS = 3, 12
"""Of OPT as a candidate. On a street in a hundred its closed-form start, and what is near to it,
ends 20% short; the third start is the first that serves users by chance."""


def design(
    key: Key[Array, ""],
    model: Model,
    h_user: Complex[AnyArray, "... K M"],
    h_eve: Complex[AnyArray, "... L M"],
    noise_power: Float[ArrayLike, "..."],
    *,
    num_samples: int = 1,
    num_steps: int | None = None,
    objective: Objective | None = None,
    constraint: PowerConstraint | None = None,
    fallback: bool = True,
) -> Strategy:
    """Beams and noise: the best of several candidates of a diffusion model.

    P1, Section III: candidates by DDIM from noise, the best by true sum secrecy rate, at full
    power; where a model is told what OPT's first steps change (`coordinates.resolved`), a short run
    of OPT from three starts is a candidate too. Models are trained for that sum. Where another
    objective or power constraint is asked for, they sample the same: candidates are scaled to the
    constraint, RZF-NS is one of them, and the objective chooses (`aimed`). Jitted inside. Numbers
    of users, eavesdroppers and antennas as `check_size` allows.

    >>> channels = jaxsec.sample_channels(jax.random.key(0), jaxsec.Scenario(), 2)
    >>> from jaxsec.cdm import pretrained
    >>> model = pretrained.load("cdm-f")
    >>> design(jax.random.key(1), model, *channels, num_samples=2).w.shape
    (2, 8, 2)

    Args:
      key: for the samples' initial noise.
      model: a trained model.
      h_user: users' channels as rows, [..., K, M].
      h_eve: eavesdroppers' channels as rows, [..., L, M]; L = 0 is allowed.
      noise_power: σ0²/P, receiver noise over transmit power in units of |h|², a scalar or [...].
      num_samples: candidates a channel.
      num_steps: DDIM steps of each, by default `DEFAULT_STEPS`; 1 of a model that does not sample.
      objective: a row of `secrecy.OBJECTIVES`; by default the sum secrecy rate at full power.
      constraint: a row of `secrecy.POWERS`; total power by default.
      fallback: whether designs that are not sampled are candidates.

    Returns:
      w [..., M, K] and v [..., M, J].

    Raises:
      InputError: shapes or dtypes that do not fit, too many users or eavesdroppers, or a count out
        of range.
    """
    options = {"num_samples": num_samples, "num_steps": num_steps}
    options |= {"objective": objective, "constraint": constraint, "fallback": fallback}
    return candidates(key, model, h_user, h_eve, noise_power, **options)[0]


def candidates(
    key: Key[Array, ""],
    model: Model,
    h_user: Complex[AnyArray, "... K M"],
    h_eve: Complex[AnyArray, "... L M"],
    noise_power: Float[ArrayLike, "..."],
    *,
    num_samples: int,
    num_steps: int | None,
    objective: Objective | None = None,
    constraint: PowerConstraint | None = None,
    fallback: bool = True,
) -> tuple[Strategy, Float[Array, "... S"]]:
    """The same, and what every candidate is worth: samples, and with `fallback` OPT's, RZF-NS."""
    checks.check_channels(h_user, h_eve, noise_power)
    num_steps = sampling_steps(model, num_samples, num_steps)
    check_size(model, h_user.shape[-1], h_user.shape[-2], h_eve.shape[-2])
    batch = np.broadcast_shapes(h_user.shape[:-2], h_eve.shape[:-2], jnp.shape(noise_power))
    asked = asked_for(objective, constraint, batch, *h_user.shape[-2:])
    args = (model.params, key, (h_user, h_eve, noise_power), asked)
    options = {"sampler": sampler_of(model), "num_samples": num_samples, "num_steps": num_steps}
    options["fallback"] = fallback
    return PROGRAMS.get(_design, args, **options)(*args)


def _design(
    params,
    key,
    channels: tuple[Any, Any, Any],
    asked: Asked | None,
    *,
    sampler: Sampler,
    num_samples: int,
    num_steps: int,
    fallback: bool,
) -> tuple[Strategy, Float[Array, "... S"]]:
    """The compiled program: a batch of any shape."""
    h_user, h_eve, noise_power = channels
    noise_power = jnp.asarray(noise_power, jnp.float32)
    batch = np.broadcast_shapes(h_user.shape[:-2], h_eve.shape[:-2], noise_power.shape)

    def judged(strategy, inputs) -> tuple[Strategy, Float[Array, "B"]]:
        channels, asked = inputs
        if asked is None:
            return strategy, sum_secrecy_rate(*strategy, *channels)
        return fitted(strategy, channels, asked)

    def beside(frame, inputs) -> list[tuple[Strategy, Float[Array, "B"]]]:
        del frame
        channels, asked = inputs
        others = []
        if not fallback:
            return others
        if sampler.coordinates.looks_ahead:
            others.append(judged(_short_opt(channels, sampler.num_noise_beams), inputs))
        if asked is not None:
            others.append(closed_form(channels, asked, sampler.num_noise_beams))
        return others

    flattened = Channels(
        flat(batch, jnp.asarray(h_user, jnp.complex64), 2),
        flat(batch, jnp.asarray(h_eve, jnp.complex64), 2),
        flat(batch, noise_power, 0),
    )
    found = best_of(
        sampler,
        key,
        (flattened, jax.tree.map(lambda x: flat(batch, x, x.ndim - len(batch)), asked)),
        lambda inputs: sampler.coordinates.frame(*inputs[0], sampler.num_noise_beams),
        judged,
        params,
        size=Size(h_user.shape[-1], h_user.shape[-2], h_eve.shape[-2]),
        num_samples=num_samples,
        num_steps=num_steps,
        beside=beside,
    )
    return jax.tree.map(lambda x: x.reshape(*batch, *x.shape[1:]), found)


def _short_opt(channels: Channels, num_noise_beams: int) -> Strategy:
    return gpip.opt(
        *channels,
        num_noise_beams=num_noise_beams,
        num_starts=NUM_STARTS,
        smoothing=gpip.annealing(NUM_STEPS),
        key=jax.random.key(0),  # one for all: `key` of a design is for its samples
    ).strategy
