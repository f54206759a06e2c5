"""Pre-training of the diffusion model on expert strategies, P1 (18).

    train = make_train_step(config, network)
    state, loss = train(state, *batch)

Everything a step draws comes from the seed and the number of the step: a run that is killed goes on
from its last checkpoint as if nothing had happened.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Float

from jaxsec import checks, keys
from jaxsec.cdm.model import Model
from jaxsec.cdm.standardise import Standardiser
from jaxsec.cdm.training.batches import Samples
from jaxsec.diffusion import process
from jaxsec.diffusion.process import Estimate, Prediction
from jaxsec.learning import state as states
from jaxsec.learning.state import State
from jaxsec.strategy import Size


@dataclasses.dataclass(frozen=True)
class Config:
    """How the model is trained.

    Raises:
      InputError: a number is out of its range.
    """

    denoiser: str = "set"
    coordinates: str = "received"
    prediction: Prediction = "start"
    num_steps: int = 8000
    batch_entries: int = 5000
    """Table entries a batch, over all its samples."""
    learning_rate: float = 1e-3
    """The largest, after the warm-up; then it falls as a cosine to a hundredth."""
    warmup_steps: int = 300
    max_gradient: float = 1.0
    """Norm that gradients are clipped to."""
    ema: float = 0.999
    """Decay of the exponential moving average of the parameters, which is what is used."""
    seed: int = 0

    def __post_init__(self) -> None:
        process.check_prediction(self.prediction)
        checks.check_at_least("num_steps", self.num_steps, 1)
        checks.check_at_least("batch_entries", self.batch_entries, 1)
        states.check_settings(self.learning_rate, self.warmup_steps, self.max_gradient, self.ema)


Train = Callable[[State, Samples], tuple[State, Float[Array, ""]]]


def optimiser(config: Config) -> optax.GradientTransformation:
    """What moves the parameters."""
    return states.adam(
        config.learning_rate, config.warmup_steps, config.num_steps, config.max_gradient
    )


def initial_state(config: Config, network: nn.Module, example: Samples) -> State:
    """Parameters from the seed, before the first step."""
    z = jnp.asarray(example.z[:1])
    condition = jax.tree.map(lambda x: jnp.asarray(x[:1]), example.condition)
    times = jnp.zeros(1, jnp.int32)
    key = keys.stream(config.seed, "train/parameters")
    params = jax.jit(network.init)(key, z, times, condition)
    return states.initial(params, optimiser(config))


def make_train_step(config: Config, network: nn.Module, mesh: Mesh | None = None) -> Train:
    """A compiled step, which takes over the memory of the state it is given.

    With `mesh`, state and batch must lie there as `parallel` puts them, and the state stays so.
    """
    out = None if mesh is None else NamedSharding(mesh, PartitionSpec())
    schedule = process.linear_schedule()
    adam = optimiser(config)

    def loss(params, key, samples: Samples):
        z, condition = jnp.asarray(samples.z), samples.condition
        key_time, key_noise = jax.random.split(key)
        t = jax.random.randint(key_time, z.shape[:1], 0, schedule.beta.size)
        noise = jax.random.normal(key_noise, z.shape)
        noisy = process.add_noise(schedule, z, t, noise) * condition.mask  # (14)
        output = jnp.asarray(network.apply(params, noisy, t, condition))
        wanted = process.target(schedule, Estimate(z, noise), t, config.prediction)
        return process.denoising_loss(output, wanted, jnp.asarray(condition.mask))  # (18)

    def train(state: State, samples: Samples):
        key = keys.step(keys.stream(config.seed, "train/noise"), state.step)
        value, gradient = jax.value_and_grad(loss)(state.params, key, samples)
        return states.advance(state, gradient, adam, config.ema), value

    return jax.jit(train, donate_argnums=0, out_shardings=out)


def to_model(
    config: Config,
    network: nn.Module,
    state: State,
    standardiser: Standardiser,
    manifest: dict[str, Any],
) -> Model:
    """What has been trained as a model, by the averaged parameters.

    Args:
      config, network, state: of the training.
      standardiser: fitted to its data.
      manifest: of the dataset.
    """
    return Model(
        denoiser=config.denoiser,
        network=network,
        params=state.ema,
        standardiser=standardiser,
        coordinates=config.coordinates,
        prediction=config.prediction,
        sizes=tuple(Size(*size) for size in manifest["recipe"]["sizes"]),
        num_noise_beams=manifest["recipe"]["num_noise_beams"],
    )
