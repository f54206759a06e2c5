"""CDM, P1's generative designer: candidates sampled from a diffusion model, the best kept.

model = pretrained.load("cdm-set")
strategy = cdm.design(key, model, *channels, num_samples=8)
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float, Key

from jaxsec import checks
from jaxsec.cdm.model import Model, check_size, sampling_steps
from jaxsec.cdm.sampler import Sampler, best_of, sampler_of
from jaxsec.precoding.batched.programs import PROGRAMS
from jaxsec.secrecy import sum_secrecy_rate
from jaxsec.shapes import AnyArray, flat
from jaxsec.strategy import Size, Strategy


def design(
    key: Key[Array, ""],
    model: Model,
    h_user: Complex[AnyArray, "... K M"],
    h_eve: Complex[AnyArray, "... L M"],
    noise_power: Float[ArrayLike, "..."],
    *,
    num_samples: int = 1,
    num_steps: int | None = None,
) -> Strategy:
    """Beams and noise at full power: the best of several candidates of a diffusion model.

    P1, Section III: candidates by DDIM from noise, the best by true sum secrecy rate; where a model
    is told another design (`coordinates.resolved`), that is a candidate too. Jitted inside. Numbers
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

    Returns:
      w [..., M, K] and v [..., M, J].

    Raises:
      InputError: shapes or dtypes that do not fit, too many users or eavesdroppers, or a count out
        of range.
    """
    options = {"num_samples": num_samples, "num_steps": num_steps}
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
) -> tuple[Strategy, Float[Array, "... S"]]:
    """The same, and the sum secrecy rate of every candidate, a design that is told last."""
    checks.check_channels(h_user, h_eve, noise_power)
    num_steps = sampling_steps(model, num_samples, num_steps)
    check_size(model, h_user.shape[-1], h_user.shape[-2], h_eve.shape[-2])
    args = (model.params, key, h_user, h_eve, noise_power)
    options = {"sampler": sampler_of(model), "num_samples": num_samples, "num_steps": num_steps}
    return PROGRAMS.get(_design, args, **options)(*args)


def _design(
    params,
    key,
    h_user,
    h_eve,
    noise_power,
    *,
    sampler: Sampler,
    num_samples: int,
    num_steps: int,
) -> tuple[Strategy, Float[Array, "... S"]]:
    """The compiled program: a batch of any shape."""
    noise_power = jnp.asarray(noise_power, jnp.float32)
    batch = np.broadcast_shapes(h_user.shape[:-2], h_eve.shape[:-2], noise_power.shape)
    told = sampler.coordinates.told

    def rate_of(strategy, channels) -> Float[Array, "B"]:
        return sum_secrecy_rate(*strategy, *channels)

    def beside(frame, channels) -> tuple[Strategy, Float[Array, "B"]]:
        assert told is not None
        return told(frame), rate_of(told(frame), channels)

    found = best_of(
        sampler,
        key,
        (
            flat(batch, jnp.asarray(h_user, jnp.complex64), 2),
            flat(batch, jnp.asarray(h_eve, jnp.complex64), 2),
            flat(batch, noise_power, 0),
        ),
        lambda channels: sampler.coordinates.frame(*channels, sampler.num_noise_beams),
        rate_of,
        params,
        size=Size(h_user.shape[-1], h_user.shape[-2], h_eve.shape[-2]),
        num_samples=num_samples,
        num_steps=num_steps,
        beside=None if told is None else beside,
    )
    return jax.tree.map(lambda x: x.reshape(*batch, *x.shape[1:]), found)
