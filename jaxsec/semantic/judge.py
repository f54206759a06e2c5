"""What a coder is worth: Bob's picture, and what the best that Eve can do tells her.

Two eavesdroppers are asked for the secret of pictures that the coder was not trained on: a fresh
network (`eavesdropper`), and Bayes' rule with all these pictures in hand (`information`), which is
what nobody can do better. Both receive each picture once.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from jaxsec import keys
from jaxsec.report import statistics
from jaxsec.report.statistics import Mean
from jaxsec.semantic import eavesdropper, information, networks, source, train
from jaxsec.semantic.eavesdropper import Code
from jaxsec.semantic.file import Model
from jaxsec.semantic.links import Link
from jaxsec.semantic.source import NUM_CLASSES, Batch, Source

COPIES = (0.0, 0.25, 0.5, 1.0, 2.0)
"""Of what parts Eve from Bob (`Scenario.degraded`): from Bob's channel to one worse than hers."""


class Row(NamedTuple):
    """All about one λ; means over the seeds of training."""

    leakage_weight: float
    psnr_db: Mean
    """Of Bob's pictures: from their mean squared error."""
    lost_db: Mean
    """PSNR of the first λ, seed by seed, less this one's."""
    eve: Mean
    """The fresh Eve's accuracy, %."""
    eve_bits: Mean
    """What she knows, at least; of log₂ 9 = 3.17."""
    bayes: Mean
    """Accuracy of Bayes' rule on what she hears, %."""
    bayes_bits: Mean
    """The information in it."""
    bob_bits: Mean
    """The same of what Bob hears."""
    by_noise: tuple[Mean, ...]
    """Accuracy of Bayes' rule, %, at each of `COPIES`."""


def assess(model: Model, train_on: Source, test_on: Source, seed: int) -> list[Row]:
    """Judges every coder of a model.

    Args:
      model: coders by λ and seed of training.
      train_on: digits that the fresh Eves learn from; those that the coders were trained on.
      test_on: digits that all are judged on, each in all classes.
      seed: of noise and of the fresh Eves.

    Returns:
      A row a λ.
    """
    seen, unseen = source.everything(train_on), source.everything(test_on)
    config = model.config
    found = []
    for i in range(len(config.leakage_weights)):
        measured = [
            measure(config, model.one(i, j), seen, unseen, keys.stream(seed, f"semantic/judge {j}"))
            for j in range(len(config.seeds))
        ]
        found.append({name: np.array([one[name] for one in measured]) for name in measured[0]})
    return [
        _row(weight, one, found[0])
        for weight, one in zip(config.leakage_weights, found, strict=True)
    ]


def measure(
    config: train.Config, coder: Any, seen: Batch, unseen: Batch, key: Key[Array, ""]
) -> dict[str, float | list[float]]:
    """One coder's numbers, by their names in `Row`."""
    scenario = config.scenario
    bob, eve = (scenario.link(who) for who in ("bob", "eve"))
    learned, asked = (
        Code(encode(config, coder, jnp.asarray(batch.pictures)), jnp.asarray(batch.secret))
        for batch in (seen, unseen)
    )
    fresh = _fit(keys.stream(key, "fresh"), learned, eve)
    guess = eavesdropper.judge(keys.stream(key, "eve"), fresh, asked, eve)
    error = _error(config, coder, asked.logits, unseen.pictures, keys.stream(key, "bob"))
    best = [_best(keys.stream(key, "best"), asked, scenario.degraded(copies)) for copies in COPIES]
    own, at_bob = best[COPIES.index(1.0)], _best(keys.stream(key, "at bob"), asked, bob)
    return {
        "psnr_db": float(-10.0 * jnp.log10(error)),
        "eve": 100 * float(guess.accuracy),
        "eve_bits": float(guess.bits),
        "bayes": 100 * float(own.accuracy),
        "bayes_bits": float(own.bits),
        "bob_bits": float(at_bob.bits),
        "by_noise": [100 * float(one.accuracy) for one in best],
    }


@functools.partial(jax.jit, static_argnums=0)
def encode(config: train.Config, coder: Any, pictures: Float[Array, "*B V"]) -> Array:
    """Logits of the code bits, [*B, N]."""
    return networks.run(train.make_networks(config).encoder, coder["encoder"], pictures)


def reconstruct(
    config: train.Config, coder: Any, heard: Float[Array, "*B N"]
) -> Float[Array, "*B V"]:
    """Bob's pictures."""
    decoder = train.make_networks(config).decoder
    return jax.nn.sigmoid(networks.run(decoder, coder["decoder"], heard))


@functools.partial(jax.jit, static_argnums=0)
def _error(
    config: train.Config, coder: Any, logits: Array, pictures: Array, key: Key[Array, ""]
) -> Array:
    heard = config.scenario.link("bob").receive(key, logits)
    return jnp.mean((reconstruct(config, coder, heard) - pictures) ** 2)


_fit = jax.jit(eavesdropper.fit)


@jax.jit
def _best(key: Key[Array, ""], code: Code, link: Link) -> information.Knowledge:
    heard = link.receive(key, code.logits)
    log_guess = link.posterior(heard, code.logits.reshape(-1, NUM_CLASSES, heard.shape[-1]))
    return information.knowledge(log_guess, code.secret)


def _row(weight: float, found: dict[str, np.ndarray], first: dict[str, np.ndarray]) -> Row:
    means = {name: statistics.mean_ci(x) for name, x in found.items() if x.ndim == 1}
    return Row(
        leakage_weight=weight,
        lost_db=statistics.paired_difference(first["psnr_db"], found["psnr_db"]),
        by_noise=tuple(statistics.mean_ci(x) for x in found["by_noise"].T),
        **means,
    )
