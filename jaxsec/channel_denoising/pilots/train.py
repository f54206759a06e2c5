"""Training of the denoiser of links, and of its control, on the same links and the same noise.

    state = initial_state(config)
    state, loss = make_step(config)(state, batch)

The denoiser learns the diffusion's velocity at every step of `levels`, P1 (18); the control, the
same network, to put out the link itself in one call, by plain squared error. Everything that is
drawn comes from the seed and the number of the step.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Complex, Float, Int

from jaxsec import checks, keys
from jaxsec.channel_denoising import levels
from jaxsec.channel_denoising.pilots.links import sample_links
from jaxsec.channel_denoising.pilots.network import LinkDenoiser, to_real
from jaxsec.channels import Scenario
from jaxsec.compiled import compiled
from jaxsec.diffusion import process
from jaxsec.diffusion.process import Estimate, Prediction
from jaxsec.learning import state as states
from jaxsec.learning.state import State

LINKS_A_CALL = 2048
"""Links drawn at a time."""
PREDICTIONS: dict[str, Prediction] = {"denoiser": "velocity", "regressor": "start"}


@dataclasses.dataclass(frozen=True)
class Config:
    """Which links, and how the networks are trained.

    Raises:
      InputError: a number is out of its range.
    """

    num_antennas: int = 16
    num_clusters: int = 4
    angular_spread_deg: float = 5.0
    num_links: int = 32768
    """Drawn before the first step."""
    width: int = 128
    num_layers: int = 2
    num_steps: int = 8000
    batch_size: int = 256
    learning_rate: float = 2e-3
    """The largest, after the warm-up; then it falls as a cosine to a hundredth."""
    warmup_steps: int = 200
    max_gradient: float = 1.0
    """Norm that gradients are clipped to."""
    ema: float = 0.999
    """Decay of the exponential moving average of the parameters, which is what is used."""
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("num_links", "width", "num_layers", "num_steps", "batch_size"):
            checks.check_at_least(name, getattr(self, name), 1)
        states.check_settings(self.learning_rate, self.warmup_steps, self.max_gradient, self.ema)
        checks.check_at_least("num_antennas", self.num_antennas, 2)
        self.scenario()

    def scenario(self, num_users: int = 1, num_eavesdroppers: int = 0) -> Scenario:
        """What links are drawn from, for these receivers."""
        return Scenario(
            num_antennas=self.num_antennas,
            num_clusters=self.num_clusters,
            angular_spread_deg=self.angular_spread_deg,
            fading="clustered",
            num_users=num_users,
            num_eavesdroppers=num_eavesdroppers,
        )

    @property
    def network(self) -> LinkDenoiser:
        """Of the denoiser, and of its control."""
        return LinkDenoiser(self.width, self.num_layers)


class Both(NamedTuple):
    """The denoiser and its control in training."""

    denoiser: State
    regressor: State


def links(config: Config) -> Complex[np.ndarray, "N M"]:
    """All links to train on."""
    key, scenario = keys.stream(config.seed, "pilots/links"), config.scenario()
    draw = jax.jit(lambda i: sample_links(keys.step(key, i), scenario, LINKS_A_CALL))
    calls = -(-config.num_links // LINKS_A_CALL)
    return np.concatenate([np.asarray(draw(i)) for i in range(calls)])[: config.num_links]


def batch(config: Config, pool: Complex[np.ndarray, "N M"], step: int) -> np.ndarray:
    """The links of a step, [B, M]."""
    rng = keys.generator(config.seed, "pilots/batches", step)
    return pool[rng.integers(len(pool), size=config.batch_size)]


def optimiser(config: Config) -> optax.GradientTransformation:
    """What moves the parameters."""
    return states.adam(
        config.learning_rate, config.warmup_steps, config.num_steps, config.max_gradient
    )


def initial_params(config: Config, name: str) -> Any:
    """A fresh network's."""
    key = keys.stream(config.seed, f"pilots/{name}")
    return config.network.init(key, jnp.zeros((1, 2, config.num_antennas)), jnp.zeros(1, jnp.int32))


@compiled("config")
def initial_state(config: Config) -> Both:
    """Both networks from the seed, before the first step."""
    adam = optimiser(config)
    return Both(*(states.initial(initial_params(config, name), adam) for name in PREDICTIONS))


Step = Callable[[Both, Complex[np.ndarray, "B M"]], tuple[Both, Float[Array, ""]]]


def make_step(config: Config) -> Step:
    """A compiled step to the denoiser's loss, which takes over the memory of the state."""
    network, adam, schedule = config.network, optimiser(config), levels.SCHEDULE

    def loss(
        params: Any, exact: Estimate, t: Int[Array, "B"], prediction: Prediction
    ) -> Float[Array, ""]:
        noisy = process.add_noise(schedule, exact.x0, t, exact.eps)  # P1 (14)
        output = jnp.asarray(network.apply(params, noisy, t))
        wanted = process.target(schedule, exact, t, prediction)
        return process.denoising_loss(output, wanted, jnp.ones_like(wanted))  # P1 (18)

    def train(both: Both, h: Complex[Array, "B M"]) -> tuple[Both, Float[Array, ""]]:
        key = keys.step(keys.stream(config.seed, "pilots/noise"), both.denoiser.step)
        key_time, key_noise = jax.random.split(key)
        t = jax.random.randint(key_time, h.shape[:1], 0, schedule.beta.size)
        x0 = jnp.sqrt(2.0) * to_real(h)
        exact = Estimate(x0, jax.random.normal(key_noise, x0.shape))
        after, values = [], []
        for state, prediction in zip(both, PREDICTIONS.values(), strict=True):
            value, slope = jax.value_and_grad(loss)(state.params, exact, t, prediction)
            after.append(states.advance(state, slope, adam, config.ema))
            values.append(value)
        return Both(*after), values[0]

    return jax.jit(train, donate_argnums=0)
