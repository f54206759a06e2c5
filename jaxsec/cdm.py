"""CDM, P1's generative designer: candidates sampled from a diffusion model, the best kept.

    model = pretrained.load("cdm-set")
    strategy = cdm.design(model, key, *channels, num_samples=8)

Channels to coordinates (`coordinates`) and what the model is told of them, samples
(`diffusion.sampling`), back to beams at full power, the best by true sum secrecy rate.
"""

import dataclasses
import math
from collections.abc import Callable
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
from jaxsec.diffusion.condition import Condition
from jaxsec.diffusion.process import Prediction
from jaxsec.diffusion.sampling import Plan
from jaxsec.precoding.batched.chunks import map_chunks
from jaxsec.precoding.batched.programs import PROGRAMS
from jaxsec.secrecy import project_to_budget, sum_secrecy_rate
from jaxsec.shapes import AnyArray
from jaxsec.standardise import MAX_USERS, Standardiser, from_sample
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
    checks.check_channels(h_user, h_eve, noise_power)
    checks.check_at_least("num_samples", num_samples, 1)
    check_size(model, h_user.shape[-1], h_user.shape[-2], h_eve.shape[-2])
    args = (model.params, key, h_user, h_eve, noise_power)
    options = {"sampler": sampler_of(model), "num_samples": num_samples, "num_steps": num_steps}
    return PROGRAMS.get(_design, args, **options)(*args)


def flat(batch: tuple[int, ...], x: Array, rest: int) -> Array:
    """`x` broadcast to the batch shape, its last `rest` axes apart, as one batch axis."""
    tail = x.shape[x.ndim - rest :]
    return jnp.broadcast_to(x, (*batch, *tail)).reshape(math.prod(batch), *tail)


def check_size(model: Model, num_antennas: int, num_users: int, num_eves: int) -> None:
    """Whether the model was made for such channels: within the range of what it was trained on.

    The number of antennas matters in antenna coordinates only.

    Raises:
      InputError: it was not.
    """
    given = Size(num_antennas, num_users, num_eves)
    names = (("h_user", "antennas"), ("h_user", "users"), ("h_eve", "eavesdroppers"))
    for axis, (name, kind) in enumerate(names):
        if kind == "antennas" and model.coordinates != "antenna":
            continue
        known = [size[axis] for size in model.sizes]
        least, most = min(known), max(known)
        checks.require(
            least <= given[axis] <= most,
            f"`{name}` must hold {least} to {most} {kind} for this diffusion model, but holds "
            f"{given[axis]}; method 'opt' takes any number",
        )


@dataclasses.dataclass(frozen=True)
class Sampler:
    """What turns noise into strategies, but for the parameters; static under `jit`."""

    network: nn.Module
    coordinates: Coordinates
    prediction: Prediction
    num_noise_beams: int
    spread: bytes
    """float32 table of the standardiser, as bytes."""

    def spreads(self) -> np.ndarray:
        """[Kmax, Lmax + 1, kinds]."""
        kinds = len(self.coordinates.least_spread)
        return np.frombuffer(self.spread, np.float32).reshape(MAX_USERS, -1, kinds)


def sampler_of(model: Model) -> Sampler:
    """The sampler of a model."""
    return Sampler(
        network=model.network,
        coordinates=coordinates_of.get(model.coordinates),
        prediction=model.prediction,
        num_noise_beams=model.num_noise_beams,
        spread=np.asarray(model.standardiser.spread, np.float32).tobytes(),
    )


def best_of(
    sampler: Sampler,
    key: Key[Array, ""],
    inputs: Any,
    frame_of: Callable[[Any], Any],
    rate_of: Callable[[Strategy, Any], Float[Array, "B"]],
    params: Any,
    *,
    size: Size,
    num_samples: int,
    num_steps: int,
) -> Strategy:
    """For every channel the best of its candidates at full power, chunk by chunk.

    Args:
      sampler, params: the model.
      key: for the samples' first noise.
      inputs: arrays [n, ...] that describe the channels, all of size `size`.
      frame_of: what coordinates are read against, of some of them.
      rate_of: what makes a strategy good, for some of them.
      size, num_samples, num_steps: as `design` has them.
    """
    n = jax.tree.leaves(inputs)[0].shape[0]
    kind = sampler.coordinates.kinds(*size, sampler.num_noise_beams)
    spread = sampler.spreads()[size.num_users - 1, size.num_eavesdroppers][kind]

    plan = sampling.ddim_plan(process.linear_schedule(), num_steps)

    def design_chunk(inputs, firsts) -> Strategy:
        frame = frame_of(inputs)
        condition = sampler.coordinates.condition(frame, size.num_users, spread)

        def candidate(first) -> tuple[Strategy, Float[Array, "B"]]:
            z = sample(sampler, key, params, condition, first, plan)
            table = from_sample(z, spread)
            decoded = sampler.coordinates.decode(frame, table, size.num_users)
            strategy = Strategy(*project_to_budget(*decoded))
            return strategy, rate_of(strategy, inputs)

        strategies, rates = jax.vmap(candidate, in_axes=1)(firsts)
        best = jnp.argmax(rates, axis=0)
        return jax.tree.map(lambda x: x[best, jnp.arange(x.shape[1])], strategies)

    # Drawn for all channels at once: samples do not depend on how the batch is cut.
    firsts = jax.vmap(lambda key: sampling.first_noise(key, (n, 2, *kind.shape)), out_axes=1)(
        jax.random.split(key, num_samples)
    )
    entries = CHUNK_ENTRIES.get(jax.default_backend(), MOST_ENTRIES)
    chunk = max(entries // (kind.size * num_samples), 16)
    return map_chunks(design_chunk, (inputs, firsts), chunk)


def sample(
    sampler: Sampler, key: Key[Array, ""], params: Any, condition: Condition, first, plan: Plan
) -> Float[Array, "B 2 R N"]:
    """DDIM from the noise `first`, rematerialised where it is differentiated."""

    @jax.checkpoint
    def network(z, t):
        return sampler.network.apply(params, z, t, condition)

    return sampling.follow(
        key,
        network,  # pyright: ignore
        process.linear_schedule(),
        jnp.asarray(condition.mask),
        plan,
        first,
        prediction=sampler.prediction,
    )


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
) -> Strategy:
    """The compiled program: a batch of any shape."""
    noise_power = jnp.asarray(noise_power, jnp.float32)
    batch = np.broadcast_shapes(h_user.shape[:-2], h_eve.shape[:-2], noise_power.shape)
    strategy = best_of(
        sampler,
        key,
        (
            flat(batch, jnp.asarray(h_user, jnp.complex64), 2),
            flat(batch, jnp.asarray(h_eve, jnp.complex64), 2),
            flat(batch, noise_power, 0),
        ),
        lambda channels: sampler.coordinates.frame(*channels, sampler.num_noise_beams),
        lambda strategy, channels: sum_secrecy_rate(*strategy, *channels),
        params,
        size=Size(h_user.shape[-1], h_user.shape[-2], h_eve.shape[-2]),
        num_samples=num_samples,
        num_steps=num_steps,
    )
    return Strategy(*[x.reshape(*batch, *x.shape[1:]) for x in strategy])
