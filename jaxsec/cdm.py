"""CDM, P1's generative designer: candidates sampled from a diffusion model, the best kept.

    model = pretrained.load("cdm-set")
    strategy = cdm.design(model, key, *channels, num_samples=8)

Channels to coordinates (`coordinates`) and what the model is told of them, samples
(`diffusion.sampling`), back to beams at full power, the best by true sum secrecy rate.
"""

import dataclasses
import functools
import math
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float, Key

from jaxsec import checks
from jaxsec import coordinates as coordinates_of
from jaxsec.coordinates import Coordinates
from jaxsec.diffusion import process, sampling
from jaxsec.diffusion.process import Prediction
from jaxsec.precoding.chunks import map_chunks
from jaxsec.secrecy import project_to_budget, sum_secrecy_rate
from jaxsec.shapes import AnyArray
from jaxsec.standardise import Standardiser, from_sample
from jaxsec.strategy import Size, Strategy

DEFAULT_STEPS = 4
"""DDIM steps; `benchmarks/generative.py --ddim-steps` shows what others reach."""

CHUNK_ENTRIES = {"cpu": 3072}
"""Table entries denoised at a time: what the network computes of them stays in the caches."""
MOST_ENTRIES = 2**18
"""The same where no cache says less: memory must not grow with the batch."""


@dataclasses.dataclass(frozen=True)
class Model:
    """A trained diffusion model, and all that its samples mean."""

    denoiser: str
    """Name of the network in `denoisers`."""
    network: nn.Module
    params: Any
    standardiser: Standardiser
    coordinates: str
    prediction: Prediction
    sizes: tuple[Size, ...]
    """(M, K, L) that it was trained on."""
    num_noise_beams: int = 2


def design(
    model: Model,
    key: Key[Array, ""],
    h_user: Complex[AnyArray, "... K M"],
    h_eve: Complex[AnyArray, "... L M"],
    noise_power: Float[ArrayLike, "..."],
    *,
    num_samples: int = 1,
    num_steps: int = DEFAULT_STEPS,
) -> Strategy:
    """Beams and noise at full power: the best of `num_samples` candidates for every channel.

    Jitted inside. Numbers of users, eavesdroppers and antennas as `check_size` allows.

    Args:
      model: a trained model.
      key: for the samples' first noise.
      h_user, h_eve, noise_power: the channels, any leading batch shape.
      num_samples: candidates a channel.
      num_steps: DDIM steps of each.

    Raises:
      InputError: shapes or dtypes that do not fit, too many users or eavesdroppers, or a count out
        of range.
    """
    checks.check_channels(h_user, h_eve)
    checks.check_at_least("num_samples", num_samples, 1)
    check_size(model, h_user.shape[-1], h_user.shape[-2], h_eve.shape[-2])
    noise_power = jnp.asarray(noise_power, jnp.float32)
    batch = jnp.broadcast_shapes(h_user.shape[:-2], h_eve.shape[:-2], noise_power.shape)
    n = math.prod(batch)

    def flat(x, rest: int):
        tail = x.shape[x.ndim - rest :]
        return jnp.broadcast_to(x, (*batch, *tail)).reshape(n, *tail)

    strategy = _design(
        model.params,
        np.asarray(model.standardiser.spread, np.float32),
        key,
        flat(jnp.asarray(h_user, jnp.complex64), 2),
        flat(jnp.asarray(h_eve, jnp.complex64), 2),
        flat(noise_power, 0),
        network=model.network,
        coordinates=coordinates_of.get(model.coordinates),
        prediction=model.prediction,
        num_noise_beams=model.num_noise_beams,
        num_samples=num_samples,
        num_steps=num_steps,
    )
    return Strategy(*[x.reshape(*batch, *x.shape[1:]) for x in strategy])


def check_size(model: Model, num_antennas: int, num_users: int, num_eves: int) -> None:
    """Whether the model was made for such channels: within the range of what it was trained on.

    The number of antennas matters in antenna coordinates only.

    Raises:
      InputError: it was not.
    """
    given = Size(num_antennas, num_users, num_eves)
    names = (("h_user", "antennas"), ("h_user", "users"), ("h_eve", "eavesdroppers"))
    for axis, (name, kind) in enumerate(names):
        if kind == "antennas" and model.coordinates == "received":
            continue
        known = [size[axis] for size in model.sizes]
        least, most = min(known), max(known)
        checks.require(
            least <= given[axis] <= most,
            f"`{name}` must hold {least} to {most} {kind} for this diffusion model, but holds "
            f"{given[axis]}; method 'opt' takes any number",
        )


@functools.partial(
    jax.jit,
    static_argnames=(
        "network",
        "coordinates",
        "prediction",
        "num_noise_beams",
        "num_samples",
        "num_steps",
    ),
)
def _design(
    params,
    spread,
    key,
    h_user,
    h_eve,
    noise_power,
    *,
    network: nn.Module,
    coordinates: Coordinates,
    prediction: Prediction,
    num_noise_beams: int,
    num_samples: int,
    num_steps: int,
) -> Strategy:
    n, num_users, num_antennas = h_user.shape
    num_eves = h_eve.shape[1]
    kind = coordinates.kinds(num_antennas, num_users, num_eves, num_noise_beams)
    spread = spread[num_users - 1, num_eves][kind]
    schedule = process.linear_schedule()

    def design_chunk(h_user, h_eve, noise_power, firsts) -> Strategy:
        frame = coordinates.frame(h_user, h_eve, noise_power, num_noise_beams)
        condition = coordinates.condition(frame, num_users, spread)

        def candidate(first) -> tuple[Strategy, Float[Array, "B"]]:
            z = sampling.ddim(
                key,
                lambda z, t: network.apply(params, z, t, condition),  # pyright: ignore
                schedule,
                jnp.asarray(condition.mask),
                num_steps=num_steps,
                prediction=prediction,
                first=first,
            )
            table = from_sample(z, spread)
            strategy = Strategy(*project_to_budget(*coordinates.decode(frame, table, num_users)))
            return strategy, sum_secrecy_rate(*strategy, h_user, h_eve, noise_power)

        strategies, rates = jax.vmap(candidate, in_axes=1)(firsts)
        best = jnp.argmax(rates, axis=0)
        return jax.tree.map(lambda x: x[best, jnp.arange(x.shape[1])], strategies)

    # Drawn for all channels at once: samples do not depend on how the batch is cut.
    firsts = jax.vmap(lambda key: sampling.first_noise(key, (n, 2, *kind.shape)), out_axes=1)(
        jax.random.split(key, num_samples)
    )
    entries = CHUNK_ENTRIES.get(jax.default_backend(), MOST_ENTRIES)
    chunk = max(entries // (kind.size * num_samples), 16)
    return map_chunks(design_chunk, (h_user, h_eve, noise_power, firsts), chunk)
