"""Training of detectors: tasks and seeds side by side, each a network of its own.

Expert k's loss on an image x of P pixels, whose code has Z entries, is the negative log-likelihood
of a Gaussian model with standard deviations s_k and t_k that are learned, too:

    l_k = ‖x − x̂_k‖²/(2s_k²) + P·log s_k + KL(q_k(z|x) ‖ N(0, I))
        + ‖μ_k − ẑ_k‖²/(2t_k²) + Z·log t_k

and the network's is Σ_k w_k(x)·l_k over the gate's weights w, with the load balance of
`jaxsec.learning.experts` added. An image's score is l_k without KL, of the expert that the gate
selects, at z = μ.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Key

from jaxsec import checks, keys
from jaxsec.anomaly.networks import Mixture, Passed
from jaxsec.anomaly.source import SOURCES, Clean, Run
from jaxsec.compiled import compiled
from jaxsec.learning import experts, state
from jaxsec.learning.state import State

Batch = Float[Any, "B R H W"]
Step = Callable[[State, Batch], tuple[State, Float[Array, ""]]]


@dataclasses.dataclass(frozen=True)
class Config:
    """Networks and training."""

    data: str = "waterfalls"
    """What is clean: waterfalls, snapshots, digits (one of them) or digits-but-one (nine)."""
    num_experts: int = 2
    """K."""
    num_encodings: int = 2
    """Two, or one, which leaves the last two terms of the loss out."""
    width: int = 8
    """Channels of an encoder's convolution."""
    hidden: int = 64
    """Units of the dense layer behind it."""
    latent: int = 16
    """Z, entries of a code."""
    load_balance_weight: float = 20.0
    """Of what keeps experts from starving."""
    num_steps: int = 2000
    """Updates."""
    batch_size: int = 32
    """Images of each network's update."""
    learning_rate: float = 2e-3
    """At its highest."""
    warmup_steps: int = 100
    """Until it is reached."""
    max_gradient: float = 100.0
    """Norm at which gradients are cut."""
    ema: float = 0.99
    """Decay of the average of the parameters."""
    seeds: tuple[int, ...] = (0,)
    """Trained side by side, every task with every seed."""

    def __post_init__(self) -> None:
        checks.require(
            self.data in SOURCES,
            f"`data` must be one of {', '.join(SOURCES)}, but is {self.data!r}",
        )
        for name in ("num_experts", "width", "hidden", "latent", "num_steps", "batch_size"):
            checks.check_at_least(name, getattr(self, name), 1)
        state.check_settings(self.learning_rate, self.warmup_steps, self.max_gradient, self.ema)
        checks.require(
            self.num_encodings in (1, 2),
            f"`num_encodings` must be 1 or 2, but is {self.num_encodings}",
        )
        checks.require(
            self.load_balance_weight >= 0,
            f"`load_balance_weight` must not be negative, but is {self.load_balance_weight}",
        )
        checks.require(
            len(set(self.seeds)) == len(self.seeds) > 0 and min(self.seeds) >= 0,
            f"`seeds` must be different numbers from 0, at least one, but are {self.seeds}",
        )


def runs(config: Config) -> tuple[Run, ...]:
    """All of them, seed by seed."""
    tasks = range(SOURCES[config.data].num_tasks)
    return tuple(Run(seed, task) for seed in config.seeds for task in tasks)


def network(config: Config) -> Mixture:
    """Of one run."""
    side = SOURCES[config.data].side
    return Mixture(
        config.num_experts, config.width, config.hidden, config.latent, side, config.num_encodings
    )


def optimiser(config: Config) -> optax.GradientTransformation:
    """Adam, warmed up and annealed."""
    return state.adam(
        config.learning_rate, config.warmup_steps, config.num_steps, config.max_gradient
    )


def initial_params(config: Config, key: Key[Array, ""]) -> Any:
    """Fresh parameters of one run."""
    net = network(config)
    image = jnp.zeros((1, net.side, net.side))
    return net.init(key, image, jnp.zeros((net.num_experts, 1, net.latent)))["params"]


@compiled("config")
def initial_state(config: Config) -> State:
    """Before the first step; runs lead."""
    of_runs = jax.vmap(lambda key: initial_params(config, key))(_keys(config, "start"))
    return jax.vmap(lambda params: state.initial(params, optimiser(config)))(of_runs)


def make_step(config: Config) -> Step:
    """One update of all runs, each on its own images: (state, images) to (state, mean loss)."""
    net, of_runs = network(config), _keys(config, "noise")

    def one(
        before: State, images: Float[Array, "B H W"], key: Key[Array, ""]
    ) -> tuple[State, Float[Array, ""]]:
        value, gradient = jax.value_and_grad(loss)(
            before.params, net, images, keys.step(key, before.step), config.load_balance_weight
        )
        return state.advance(before, gradient, optimiser(config), config.ema), value

    @jax.jit
    def step(before: State, images: Batch) -> tuple[State, Float[Array, ""]]:
        after, values = jax.vmap(one, in_axes=(0, 1, 0))(before, images, of_runs)
        return after, jnp.mean(values)

    return step


def loss(
    params: Any,
    net: Mixture,
    images: Float[Array, "B H W"],
    key: Key[Array, ""],
    load_balance_weight: float,
) -> Float[Array, ""]:
    """The loss of one run."""
    noise = jax.random.normal(key, (net.num_experts, len(images), net.latent))
    passed: Passed = net.apply({"params": params}, images, noise)  # pyright: ignore
    reconstruction, latent = distances(passed, images)
    total = reconstruction + latent + divergence(passed)
    routing = experts.route(passed.logits, 1)
    balance = experts.load_balance(experts.expert_load(routing.selected), routing.weight, 1)
    weighed = jnp.sum(routing.weight * total.T, axis=-1)
    return jnp.mean(weighed) + load_balance_weight * balance


def distances(
    passed: Passed, images: Float[Array, "B H W"]
) -> tuple[Float[Array, "E B"], Float[Array, "E B"]]:
    """Of reconstruction and image, and of the two codes: −log-likelihoods, constants left out."""
    reconstruction = _likelihood(
        (passed.reconstruction - images[None]).reshape(*passed.mean.shape[:2], -1),
        passed.log_scale[:, 0],
    )
    if passed.again is None:
        return reconstruction, jnp.zeros_like(reconstruction)
    first = jax.lax.stop_gradient(passed.mean)
    return reconstruction, _likelihood(passed.again - first, passed.log_scale[:, 1])


def divergence(passed: Passed) -> Float[Array, "E B"]:
    """KL(N(μ, σ²) ‖ N(0, 1)), summed over the entries of a code (Kingma and Welling, 2014)."""
    each = passed.mean**2 + jnp.exp(passed.log_variance) - 1 - passed.log_variance
    return 0.5 * jnp.sum(each, axis=-1)


def _likelihood(error: Float[Array, "E B N"], log_scale: Float[Array, "E"]) -> Float[Array, "E B"]:
    squared = jnp.sum(error**2, axis=-1)
    return squared * jnp.exp(-2 * log_scale)[:, None] / 2 + error.shape[-1] * log_scale[:, None]


def draw(config: Config, clean: list[Clean]) -> Callable[[int], np.ndarray]:
    """The standardised images of a step [B, R, H, W], drawn from what each run is trained on."""
    of_runs = [
        (run, (data.train - data.frame[0]) / data.frame[1])
        for run, data in zip(runs(config), clean, strict=True)
    ]

    def of_step(step: int) -> np.ndarray:
        drawn = []
        for run, images in of_runs:
            random = keys.generator(run.seed, "anomaly/batch", run.task, step)
            drawn.append(images[random.integers(len(images), size=config.batch_size)])
        return np.stack(drawn, axis=1)

    return of_step


def _keys(config: Config, use: str) -> Key[Array, "R"]:
    return jnp.stack([keys.stream(run.seed, f"anomaly/{use}/{run.task}") for run in runs(config)])
