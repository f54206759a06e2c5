"""Training of the completer against its discriminators, and of the classifier that labels for it.

    state = initial_state(config, scenario)
    state, loss = step(state, batch)

A step moves three players, each by an optimiser of its own: the classifier down its cross-entropy;
the discriminators towards telling real waterfalls from completed ones; the completer down

    mean |guess − power| over the hole + λ·mean softplus(−D(completed)),

the reconstruction and the non-saturating adversarial loss. With λ = 0 there are no discriminators.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Key

from jaxsec import checks, keys
from jaxsec.compiled import compiled
from jaxsec.learning import state as states
from jaxsec.learning.state import State
from jaxsec.spectrum import masks, source
from jaxsec.spectrum.masks import MaskKind
from jaxsec.spectrum.networks import Completer, Discriminator, Pooled, features
from jaxsec.spectrum.source import PATTERNS, Scenario, Waterfall

Label = Literal["none", "same", "history", "true"]
LABELS = ("none", "same", "history", "true")
"""What the completer is told of the pattern: nothing, a prediction from the very waterfall that it
completes, a prediction from the waterfall before, sensed whole, or the truth."""
RANGE_DB = 30.0
"""Standardised powers are 1 this far above the noise floor."""


@dataclasses.dataclass(frozen=True)
class Config:
    """How completer, classifier and discriminators are trained.

    Raises:
      InputError: a number is out of its range.
    """

    label: Label = "history"
    """What the completer is told of the pattern: "none", a prediction from the "same" masked
    waterfall or from the "history" before it, or the "true" one."""
    masks: tuple[MaskKind, ...] = ("regular",)
    """Kinds, drawn alike."""
    adversarial: float = 0.01
    """λ, weight of the adversarial loss; 0 for none, and no discriminators."""
    num_steps: int = 5000
    batch_size: int = 16
    code: int = 24
    """Numbers that a channel's history is coded in."""
    hidden: int = 128
    learning_rate: float = 5e-3
    """The largest, after the warm-up; then it falls as a cosine to a hundredth."""
    warmup_steps: int = 100
    max_gradient: float = 1.0
    """Norm that gradients are clipped to."""
    ema: float = 0.995
    """Decay of the exponential moving average of the parameters, which is what is used."""
    seed: int = 0

    def __post_init__(self) -> None:
        checks.require(
            self.label in LABELS, f"`label` must be one of {', '.join(LABELS)}, but is {self.label}"
        )
        checks.require(
            len(self.masks) > 0 and all(kind in masks.KINDS for kind in self.masks),
            f"`masks` must be of {', '.join(masks.KINDS)}, but is {self.masks}",
        )
        for name in ("num_steps", "batch_size", "code", "hidden"):
            checks.check_at_least(name, getattr(self, name), 1)
        states.check_settings(self.learning_rate, self.warmup_steps, self.max_gradient, self.ema)
        checks.require(
            0.0 <= self.adversarial < float("inf"),
            f"`adversarial` must not be negative, but is {self.adversarial}",
        )

    @property
    def predicts(self) -> bool:
        """Whether the label is a classifier's."""
        return self.label in ("same", "history")


class Batch(NamedTuple):
    """Waterfalls to complete."""

    waterfall: Waterfall
    history: Waterfall
    """The one before."""
    mask: Bool[Array, "B T F"]


class Networks(NamedTuple):
    """The three players."""

    completer: Completer
    classifier: Pooled
    discriminator: Discriminator


class Game(NamedTuple):
    """What is carried from step to step, by player."""

    completer: State
    classifier: State | None
    """None where no label is predicted."""
    discriminator: State | None
    """None without an adversarial loss."""


def networks(config: Config) -> Networks:
    """The networks of a configuration."""
    return Networks(
        Completer(config.code, config.hidden),
        Pooled(config.code, config.hidden // 2, len(PATTERNS)),
        Discriminator(config.code, config.hidden // 2),
    )


def optimiser(config: Config) -> optax.GradientTransformation:
    """What moves a player."""
    return states.adam(
        config.learning_rate, config.warmup_steps, config.num_steps, config.max_gradient
    )


@compiled("config", "scenario")
def initial_state(config: Config, scenario: Scenario) -> Game:
    """Before the first step."""
    shape = (1, scenario.num_slots, scenario.num_channels)
    x, label = jnp.zeros((*shape, 2)), jnp.zeros((1, len(PATTERNS)))
    nets, moves = networks(config), optimiser(config)

    def begin(network: Any, *inputs: Array) -> State:
        name = f"spectrum/{type(network).__name__}"
        return states.initial(network.init(keys.stream(config.seed, name), *inputs), moves)

    return Game(
        begin(nets.completer, x, label),
        begin(nets.classifier, x) if config.predicts else None,
        begin(nets.discriminator, x) if config.adversarial > 0 else None,
    )


def standardise(scenario: Scenario, power: Float[Array, "*B T F"]) -> Float[Array, "*B T F"]:
    """dBm to what networks see: 0 at the noise floor."""
    return (power - scenario.noise_floor_dbm) / RANGE_DB


@functools.partial(jax.jit, static_argnums=(1, 2, 3, 4))
def sample(
    key: Key[Array, ""],
    scenario: Scenario,
    count: int,
    kinds: tuple[MaskKind, ...],
    patterns: tuple[int, ...] = tuple(range(len(PATTERNS))),
) -> Batch:
    """Waterfalls of patterns drawn alike, under masks of kinds drawn alike. Compiled.

    Args:
      key: of all that is random.
      scenario: the band.
      count: of waterfalls.
      kinds: of masks.
      patterns: indices into `PATTERNS`.

    Returns:
      The waterfalls, those before them, and the masks.

    >>> sample(jax.random.key(0), Scenario(), 3, ("regular",)).waterfall.power.shape
    (3, 32, 32)
    """

    def one(key: Key[Array, ""]) -> Batch:
        key_pattern, key_scene, key_kind, key_mask = jax.random.split(key, 4)
        pattern = jax.random.choice(key_pattern, jnp.asarray(patterns, jnp.int32))
        history, waterfall = source.sample(key_scene, scenario, pattern)
        size = (scenario.num_slots, scenario.num_channels)
        draws = [functools.partial(masks.sample, key_mask, kind, *size) for kind in kinds]
        mask = jax.lax.switch(jax.random.randint(key_kind, (), 0, len(kinds)), draws)
        return Batch(waterfall, history, mask)

    return jax.vmap(one)(jax.random.split(key, count))


def observed(config: Config, scenario: Scenario, batch: Batch) -> Float[Array, "B T F 2"]:
    """What the classifier sees."""
    if config.label == "history":
        power = standardise(scenario, batch.history.power)
        return features(power, jnp.ones_like(batch.mask))
    return features(standardise(scenario, batch.waterfall.power), batch.mask)


def labels(
    config: Config, scenario: Scenario, classifier: Any, batch: Batch
) -> Float[Array, "B P"]:
    """What the completer is told: probabilities of the patterns, or zeros."""
    if config.label == "true":
        return jax.nn.one_hot(batch.waterfall.pattern, len(PATTERNS))
    if config.label == "none":
        return jnp.zeros((batch.mask.shape[0], len(PATTERNS)))
    x = observed(config, scenario, batch)
    return jax.nn.softmax(networks(config).classifier.apply(classifier, x))  # pyright: ignore


def guess(
    config: Config, scenario: Scenario, completer: Any, batch: Batch, label: Float[Array, "B P"]
) -> Float[Array, "B T F"]:
    """The completer's standardised powers, in the hole and outside."""
    x = features(standardise(scenario, batch.waterfall.power), batch.mask)
    return networks(config).completer.apply(completer, x, label)  # pyright: ignore


def make_step(
    config: Config, scenario: Scenario
) -> Callable[[Game, tuple[Batch, Key[Array, ""]]], tuple[Game, Float[Array, ""]]]:
    """One step: (state, (batch, key)) to (state, reconstruction loss in dB)."""
    nets, moves = networks(config), optimiser(config)

    def judged(discriminator: Any, power: Array, mask: Array) -> Float[Array, "B 2"]:
        x = jnp.stack([power, mask.astype(power.dtype)], axis=-1)
        return nets.discriminator.apply(discriminator, x)  # pyright: ignore

    def classify(params: Any, batch: Batch) -> Float[Array, ""]:
        logits = nets.classifier.apply(params, observed(config, scenario, batch))
        wanted = batch.waterfall.pattern
        return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(logits, wanted))  # pyright: ignore

    def reconstruct(
        params: Any, game: Game, batch: Batch, label: Array, error: Array
    ) -> tuple[Float[Array, ""], tuple[Float[Array, ""], Float[Array, "B T F"]]]:
        power = standardise(scenario, batch.waterfall.power)
        made = guess(config, scenario, params, batch, label)
        hole = ~batch.mask
        distance = jnp.sum(jnp.abs(made - power) * hole) / jnp.maximum(jnp.sum(hole), 1)
        completed = masks.complete(power, batch.mask, made + error)
        if game.discriminator is None:
            return distance, (distance, completed)
        fooled = jax.nn.softplus(-judged(game.discriminator.params, completed, batch.mask))
        return distance + config.adversarial * jnp.mean(fooled), (distance, completed)

    def discriminate(params: Any, real: Array, completed: Array, mask: Array) -> Float[Array, ""]:
        on_real, on_made = judged(params, real, mask), judged(params, completed, mask)
        return jnp.mean(jax.nn.softplus(-on_real) + jax.nn.softplus(on_made))

    @jax.jit
    def step(game: Game, drawn: tuple[Batch, Key[Array, ""]]) -> tuple[Game, Float[Array, ""]]:
        batch, key = drawn
        power = standardise(scenario, batch.waterfall.power)
        error = scenario.error_db / RANGE_DB * jax.random.normal(key, power.shape)
        classifier, discriminator = game.classifier, game.discriminator
        label = labels(config, scenario, classifier and classifier.params, batch)
        (_, (distance, completed)), down = jax.value_and_grad(reconstruct, has_aux=True)(
            game.completer.params, game, batch, label, error
        )
        completer = states.advance(game.completer, down, moves, config.ema)
        if classifier is not None:
            down = jax.grad(classify)(classifier.params, batch)
            classifier = states.advance(classifier, down, moves, config.ema)
        if discriminator is not None:
            down = jax.grad(discriminate)(discriminator.params, power, completed, batch.mask)
            discriminator = states.advance(discriminator, down, moves, config.ema)
        return Game(completer, classifier, discriminator), RANGE_DB * distance

    return step


def draw(config: Config, scenario: Scenario, index: int) -> tuple[Batch, Key[Array, ""]]:
    """The batch of a step, and the key of what the step draws."""
    key = keys.step(keys.stream(config.seed, "spectrum/batch"), index)
    batch = sample(key, scenario, config.batch_size, config.masks)
    return batch, keys.stream(key, "error")
