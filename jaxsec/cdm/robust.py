"""Designs for channels known with an error: the posterior's mean is not to be trusted.

    known = knowledge.estimated(h_user, h_eve, 0.01)
    strategy = robust.design(key, pretrained.load("cdm-f-robust"), known, noise_power)

A diffusion model that is told the error, fine-tuned on the rate expected over the posterior
(`training.finetune`); its candidates are judged by that rate.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Key

from jaxsec import checks
from jaxsec.cdm.designer import DEFAULT_STEPS
from jaxsec.cdm.model import Model, check_size
from jaxsec.cdm.sampler import Sampler, best_of, sampler_of
from jaxsec.channels.knowledge import Posterior, diagonal_loading, error_fraction
from jaxsec.precoding.batched.programs import PROGRAMS
from jaxsec.secrecy import expected_rate
from jaxsec.shapes import flat
from jaxsec.strategy import Size, Strategy

JUDGING_DRAWS = 64
"""Draws of the posterior by which candidates are compared."""


def design(
    key: Key[Array, ""],
    model: Model,
    known: Posterior,
    noise_power: Float[ArrayLike, "..."],
    *,
    num_samples: int = 1,
    num_steps: int = DEFAULT_STEPS,
) -> Strategy:
    """Beams and noise at full power: of `num_samples` candidates the best expected rate.

    Args:
      key: for the samples' initial noise and the posterior's draws.
      model: a model that is told the error (coordinates "uncertain").
      known: what is known of the channels, any leading batch shape.
      noise_power: σ0²/P.
      num_samples, num_steps: as for `cdm.design`.

    Raises:
      InputError: the model is not told the error, or as `cdm.design` does.
    """
    options = {"num_samples": num_samples, "num_steps": num_steps}
    return candidates(key, model, known, noise_power, **options)[0]


def candidates(
    key: Key[Array, ""],
    model: Model,
    known: Posterior,
    noise_power: Float[ArrayLike, "..."],
    *,
    num_samples: int,
    num_steps: int,
) -> tuple[Strategy, Float[Array, "... S"] | None]:
    """The same, and the expected rate of every candidate; None of a single one."""
    checks.check_channels(known.h_user, known.h_eve, noise_power)
    checks.check_batches(
        h_user=(known.h_user, 2),
        error_user=(known.error_user, 1),
        error_eve=(known.error_eve, 1),
    )
    checks.check_at_least("num_samples", num_samples, 1)
    checks.require(
        model.coordinates == "uncertain",
        f"`model` must be told the CSI error (coordinates 'uncertain'), but has coordinates "
        f"{model.coordinates!r}",
    )
    size = Size(known.h_user.shape[-1], known.h_user.shape[-2], known.h_eve.shape[-2])
    check_size(model, *size)
    args = (model.params, key, known, noise_power)
    options = {"sampler": sampler_of(model), "num_samples": num_samples, "num_steps": num_steps}
    strategy, rates = PROGRAMS.get(_design, args, **options)(*args)
    return strategy, rates if num_samples > 1 else None


def _design(
    params,
    key,
    known: Posterior,
    noise_power: Float[ArrayLike, "..."],
    *,
    sampler: Sampler,
    num_samples: int,
    num_steps: int,
) -> tuple[Strategy, Float[Array, "... S"]]:
    """The compiled program: a batch of any shape."""
    batch, known, noise_power = _flat(known, noise_power)
    num_users, num_antennas = known.h_user.shape[1:]
    num_eves = known.h_eve.shape[1]
    key_initial, key_draw = jax.random.split(key)
    # The same for every channel: what a channel gets does not depend on how the batch is cut.
    shape = (JUDGING_DRAWS, 1, num_users + num_eves, num_antennas)
    direction = jax.random.normal(key_draw, shape, jnp.complex64)

    def frame_of(inputs):
        known, noise_power = inputs
        channels = diagonal_loading(known, noise_power)
        frame = sampler.coordinates.frame(*channels, sampler.num_noise_beams)
        return frame._replace(error_fraction=error_fraction(known, noise_power))

    def rate_of(strategy, inputs):
        if num_samples == 1:  # nothing to choose from
            return jnp.zeros(strategy.w.shape[0])
        known, noise_power = inputs
        return expected_rate(strategy, known, noise_power, direction)

    found = best_of(
        sampler,
        key_initial,
        (known, noise_power),
        frame_of,
        rate_of,
        params,
        size=Size(num_antennas, num_users, num_eves),
        num_samples=num_samples,
        num_steps=num_steps,
    )
    return jax.tree.map(lambda x: x.reshape(*batch, *x.shape[1:]), found)


def _flat(
    known: Posterior, noise_power: Float[ArrayLike, "..."]
) -> tuple[tuple[int, ...], Posterior, Float[Array, "n"]]:
    """The batch shape, and all with one batch axis."""
    noise_power = jnp.asarray(noise_power, jnp.float32)
    batch = jnp.broadcast_shapes(
        known.h_user.shape[:-2],
        known.h_eve.shape[:-2],
        known.error_user.shape[:-1],
        noise_power.shape,
    )
    flattened = Posterior(
        *(flat(batch, jnp.asarray(h, jnp.complex64), 2) for h in known[:2]),
        *(flat(batch, jnp.asarray(error, jnp.float32), 1) for error in known[2:]),
    )
    return batch, flattened, flat(batch, noise_power, 0)
