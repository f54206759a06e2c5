"""Candidates of a diffusion model for a batch of channels, and the best of them for each.

Channels to coordinates (`coordinates`) and what the model is told of them, samples
(`diffusion.sampling`), back to beams at full power.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from jaxsec.cdm.coordinates import table as coordinates
from jaxsec.cdm.coordinates.table import Coordinates
from jaxsec.cdm.model import Model
from jaxsec.cdm.standardise import MAX_USERS, from_sample
from jaxsec.diffusion import process, sampling
from jaxsec.diffusion.condition import Condition
from jaxsec.diffusion.process import Prediction
from jaxsec.diffusion.sampling import Timesteps
from jaxsec.precoding.batched.chunks import map_chunks
from jaxsec.secrecy import normalise_power
from jaxsec.strategy import Size, Strategy

CHUNK_ENTRIES = {"cpu": 3072}
"""Table entries denoised at a time: what the network computes of them stays in the caches."""
MAX_ENTRIES = 2**18
"""The same where no cache says less: memory must not grow with the batch."""


@dataclasses.dataclass(frozen=True)
class Sampler:
    """What turns noise into strategies, but for the parameters; static under `jit`."""

    network: nn.Module
    coordinates: Coordinates
    prediction: Prediction
    num_noise_beams: int
    deterministic: bool
    spread: bytes
    """float32 table of the standardiser, as bytes."""

    def spreads(self) -> np.ndarray:
        """[Kmax, Lmax + 1, kinds]."""
        kinds = len(self.coordinates.min_spread)
        return np.frombuffer(self.spread, np.float32).reshape(MAX_USERS, -1, kinds)


def sampler_of(model: Model) -> Sampler:
    """The sampler of a model."""
    return Sampler(
        network=model.network,
        coordinates=coordinates.get(model.coordinates),
        prediction=model.prediction,
        num_noise_beams=model.num_noise_beams,
        deterministic=model.deterministic,
        spread=np.asarray(model.standardiser.spread, np.float32).tobytes(),
    )


def best_of(
    sampler: Sampler,
    key: Key[Array, ""],
    inputs: Any,
    frame_of: Callable[[Any], Any],
    judged: Callable[[Strategy, Any], tuple[Strategy, Float[Array, "B"]]],
    params: Any,
    *,
    size: Size,
    num_samples: int,
    num_steps: int,
    beside: Callable[[Any, Any], list[tuple[Strategy, Float[Array, "B"]]]],
    margin: float = 0.0,
) -> tuple[Strategy, Float[Array, "n S"]]:
    """For every channel the best of its candidates, and what each is worth.

    Args:
      sampler, params: the model.
      key: for the samples' initial noise, split into one for each candidate.
      inputs: arrays [n, ...] that describe the channels, all of size `size`.
      frame_of: what coordinates are read against, of some of them.
      judged: of a sample at full power, for some of them, what is sent, and what it is worth.
      size, num_samples, num_steps: as `design` has them.
      beside: of frame and inputs, candidates that are not sampled, the last ones, and what each is
        worth; of no more noise beams than those that are.
      margin: share by which a sample must be ahead of those to be preferred to them; below 0, they
        of it.
    """
    n = jax.tree.leaves(inputs)[0].shape[0]
    kind = sampler.coordinates.kinds(*size, sampler.num_noise_beams)
    spread = sampler.spreads()[size.num_users - 1, size.num_eavesdroppers][kind]

    timesteps = sampling.ddim_timesteps(process.linear_schedule(), num_steps)

    def design_chunk(inputs, initials) -> tuple[Strategy, Float[Array, "B S"]]:
        frame = frame_of(inputs)
        condition = sampler.coordinates.condition(frame, size.num_users, spread)

        def candidate(noise) -> tuple[Strategy, Float[Array, "B"]]:
            z = sample(sampler, params, condition, noise, timesteps)
            table = from_sample(z, spread)
            decoded = sampler.coordinates.decode(frame, table, size.num_users)
            return judged(Strategy(*normalise_power(*decoded)), inputs)

        strategies, rates = jax.vmap(candidate, in_axes=1)(initials)
        for other, rate in beside(frame, inputs):
            more = strategies.v.shape[-1] - other.v.shape[-1]
            other = Strategy(other.w, jnp.pad(other.v, ((0, 0), (0, 0), (0, more))))
            strategies = jax.tree.map(lambda x, y: jnp.append(x, y[None], 0), strategies, other)
            rates = jnp.append(rates, rate[None], 0)
        best = preferred(rates, num_samples, margin)
        chosen = jax.tree.map(lambda x: x[best, jnp.arange(x.shape[1])], strategies)
        return chosen, rates.T

    # Drawn for all channels at once: samples do not depend on how the batch is cut.
    initials = jax.vmap(lambda key: initial(sampler, key, (n, 2, *kind.shape)), out_axes=1)(
        jax.random.split(key, num_samples)
    )
    entries = CHUNK_ENTRIES.get(jax.default_backend(), MAX_ENTRIES)
    chunk = max(entries // (kind.size * num_samples), 16)
    return map_chunks(design_chunk, (inputs, initials), chunk)


def preferred(rates: Float[Array, "S B"], num_samples: int, margin: float) -> Int[Array, "B"]:
    """Index of the best candidate that is finite; `num_samples` of them, the first, are samples,
    which must be ahead of the others by a share `margin`."""
    weighed = rates.at[num_samples:].multiply(1.0 + margin)
    return jnp.argmax(jnp.where(jnp.isfinite(weighed), weighed, -jnp.inf), axis=0)


def initial(sampler: Sampler, key: Key[Array, ""], shape: tuple[int, ...]) -> Float[Array, "..."]:
    """What the sampler starts from: noise, or none where the model does not sample."""
    return jnp.zeros(shape) if sampler.deterministic else sampling.initial_noise(key, shape)


def sample(
    sampler: Sampler,
    params: Any,
    condition: Condition,
    initial: Float[Array, "B 2 R N"],
    timesteps: Timesteps,
) -> Float[Array, "B 2 R N"]:
    """DDIM without fresh noise from the noise `initial`, rematerialised where it is differentiated.

    Nothing is drawn here: with fresh noise every candidate and every chunk of channels would need a
    key of its own.
    """

    @jax.checkpoint
    def network(z, t):
        return sampler.network.apply(params, z, t, condition)

    return sampling.ddim_scan(
        network,  # pyright: ignore
        process.linear_schedule(),
        jnp.asarray(condition.mask),
        timesteps,
        initial,
        prediction=sampler.prediction,
    )
