"""Training: a coder for Bob and an adversary in Eve's place, in turn.

E. Erdemir, P. L. Dragotti, D. Gündüz, Privacy-aware communication over a wiretap channel with
generative networks, ICASSP 2022. The coder's loss, of a picture x of secret class s, sent as bits
b ~ Bernoulli(encoder(x)) that Bob receives as y and Eve as z:

    ‖x − decoder(y)‖² + β·KL(b ‖ uniform) + λ·(log 9 − CE(s, adversary(z)))

the last of which is a lower bound, as tight as the adversary is good, on the information in nats
that Eve has on s. The adversary minimises its cross-entropy CE.

Shapes: B pictures, L weights λ, S seeds, R draws of noise. Trainings lie side by side, [L, S].
"""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, Key

from jaxsec import checks, keys
from jaxsec.compiled import compiled
from jaxsec.learning import state as states
from jaxsec.learning.state import State
from jaxsec.semantic import networks
from jaxsec.semantic.channel import divergence_from_uniform
from jaxsec.semantic.networks import Networks
from jaxsec.semantic.scenario import Scenario
from jaxsec.semantic.source import NUM_CLASSES, NUM_VALUES, Batch

MAX_GRADIENT = 50.0
WARMUP_STEPS = 100
LEAKAGE_WARMUP = 0.3
"""Share of the steps over which λ rises from zero: there is a code before it is kept secret."""
EMA = 0.998


@dataclasses.dataclass(frozen=True)
class Config:
    """What decides a training.

    Raises:
      InputError: a number is out of its range.
    """

    scenario: Scenario = dataclasses.field(default_factory=Scenario)
    leakage_weights: tuple[float, ...] = (0.0, 4.0, 8.0, 12.0)
    """λ of each training; 0 for one that knows of no Eve."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Trained side by side at every λ."""
    rate_weight: float = 0.02
    """β."""
    width: int = 128
    """Of hidden layers."""
    adversary_width: int = 192
    """Of the adversary's: a narrow one is deceived, and better ones are not."""
    num_steps: int = 3000
    """Of the coder."""
    batch_size: int = 128
    """Pictures a step."""
    adversary_steps: int = 2
    """Of the adversary for each of the coder's."""
    num_draws: int = 4
    """R, of Eve's noise for each picture: they cost little, and steady the gradient."""
    learning_rate: float = 2e-3
    """The largest, after the warm-up, of both players."""

    def __post_init__(self) -> None:
        for name in ("leakage_weights", "seeds"):
            checks.require(len(getattr(self, name)) > 0, f"`{name}` must name at least one")
        for value in self.leakage_weights:
            checks.require(
                0.0 <= value < float("inf"),
                f"`leakage_weights` must be at least 0, but has {value}",
            )
        for value in self.seeds:
            checks.require(0 <= value < 2**31, f"`seeds` must lie in [0, 2**31), but has {value}")
        checks.require(
            0.0 <= self.rate_weight < float("inf"),
            f"`rate_weight` must be at least 0, but is {self.rate_weight}",
        )
        checks.check_positive("learning_rate", self.learning_rate)
        for name in (
            "width",
            "adversary_width",
            "num_steps",
            "batch_size",
            "adversary_steps",
            "num_draws",
        ):
            checks.check_at_least(name, getattr(self, name), 1)


class Players(NamedTuple):
    """What a training carries; λ and seeds lead."""

    coder: State
    """Of {"encoder", "decoder"}."""
    adversary: State


class Losses(NamedTuple):
    """The parts of the coder's loss."""

    distortion: Float[Array, ""]
    rate: Float[Array, ""]
    leakage: Float[Array, ""]


def make_networks(config: Config) -> Networks:
    """The networks of a configuration."""
    scenario = config.scenario
    return networks.make(len(scenario.bob), scenario.bits, config.width, config.adversary_width)


def optimiser(config: Config) -> optax.GradientTransformation:
    """Of the coder."""
    return states.adam(config.learning_rate, WARMUP_STEPS, config.num_steps, MAX_GRADIENT)


def adversary_optimiser(config: Config) -> optax.GradientTransformation:
    """Of the adversary, at a constant rate: it has to keep up with the coder to the end."""
    return optax.adam(config.learning_rate)


def initial_params(config: Config, key: Key[Array, ""]) -> tuple[dict[str, Any], Any]:
    """The coder's and the adversary's."""
    nets = make_networks(config)
    bits, picture = jnp.zeros((1, config.scenario.num_bits)), jnp.zeros((1, NUM_VALUES))
    coder = {
        "encoder": nets.encoder.init(keys.stream(key, "encoder"), picture),
        "decoder": nets.decoder.init(keys.stream(key, "decoder"), bits),
    }
    return coder, nets.adversary.init(keys.stream(key, "adversary"), bits)


@compiled("config")
def initial_state(config: Config) -> Players:
    """Before the first step: at every λ the same networks of a seed, [L, S]."""

    def one(key: Key[Array, ""]) -> Players:
        coder, adversary = initial_params(config, key)
        return Players(
            states.initial(coder, optimiser(config)),
            states.initial(adversary, adversary_optimiser(config)),
        )

    roots = jnp.stack([keys.stream(seed, "semantic/parameters") for seed in config.seeds])
    seeded = jax.vmap(one)(roots)
    count = len(config.leakage_weights)
    return jax.tree.map(lambda x: jnp.repeat(x[None], count, axis=0), seeded)


def make_step(config: Config) -> Any:
    """One step of all trainings: (players, batch [B, S]) to (players, mean loss of the coders)."""
    roots = jnp.stack([keys.stream(seed, "semantic/training") for seed in config.seeds])
    weights = jnp.asarray(config.leakage_weights)

    def one(players: Players, batch: Batch, root: Key[Array, ""], weight: Array) -> Any:
        return step(config, players, batch, root, weight)

    over_seeds = jax.vmap(one, in_axes=(0, 1, 0, None))
    over_weights = jax.vmap(over_seeds, in_axes=(0, None, None, 0))

    @jax.jit
    def run(players: Players, batch: Batch) -> tuple[Players, Array]:
        players, loss = over_weights(players, batch, roots, weights)
        return players, jnp.mean(loss)

    return run


def step(
    config: Config, players: Players, batch: Batch, root: Key[Array, ""], weight: Float[Array, ""]
) -> tuple[Players, Float[Array, ""]]:
    """One training's: the adversary learns the code as it is, then the coder moves away from it."""
    key = keys.step(root, players.coder.step)
    adversary = players.adversary
    logits = networks.run(
        make_networks(config).encoder, players.coder.params["encoder"], batch.pictures
    )
    for turn in range(config.adversary_steps):
        gradient = jax.grad(
            lambda params, key: cross_entropy(config, params, key, logits, batch.secret)
        )(adversary.params, keys.stream(key, f"adversary {turn}"))
        adversary = states.advance(adversary, gradient, adversary_optimiser(config), EMA)

    risen = jnp.minimum(1.0, players.coder.step / (LEAKAGE_WARMUP * config.num_steps))

    def objective(params: Any) -> Array:
        losses = coder_losses(config, params, adversary.params, keys.stream(key, "coder"), batch)
        secrecy = weight * risen * losses.leakage
        return losses.distortion + config.rate_weight * losses.rate + secrecy

    loss, gradient = jax.value_and_grad(objective)(players.coder.params)
    coder = states.advance(players.coder, gradient, optimiser(config), EMA)
    return Players(coder, adversary), loss


def coder_losses(
    config: Config, params: Any, adversary: Any, key: Key[Array, ""], batch: Batch
) -> Losses:
    """The three parts of the loss, means over the batch."""
    nets, scenario = make_networks(config), config.scenario
    logits = networks.run(nets.encoder, params["encoder"], batch.pictures)
    heard = scenario.link("bob").receive(keys.stream(key, "bob"), logits)
    picture = jax.nn.sigmoid(networks.run(nets.decoder, params["decoder"], heard))
    unsure = cross_entropy(config, adversary, keys.stream(key, "eve"), logits, batch.secret)
    return Losses(
        distortion=jnp.mean(jnp.sum((batch.pictures - picture) ** 2, axis=-1)),
        rate=jnp.mean(divergence_from_uniform(logits)),
        leakage=np.log(NUM_CLASSES) - unsure,
    )


def cross_entropy(
    config: Config,
    adversary: Any,
    key: Key[Array, ""],
    logits: Float[Array, "B N"],
    secret: Int[Array | np.ndarray, " B"],
) -> Float[Array, ""]:
    """The adversary's, nats, over R draws of code bits and noise for each picture."""
    many = jnp.broadcast_to(logits, (config.num_draws, *logits.shape))
    heard = config.scenario.link("eve").receive(key, many)
    guess = networks.run(make_networks(config).adversary, adversary, heard)
    found = optax.softmax_cross_entropy_with_integer_labels(
        guess, jnp.broadcast_to(secret, guess.shape[:-1])
    )
    return jnp.mean(found)
