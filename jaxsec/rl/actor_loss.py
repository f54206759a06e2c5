"""What an actor makes small: the names of `Config.actor_loss`, and their losses.

pathwise   minus the mean value of the policy's actions, whose gradient runs through all that
           makes them, the chain of a diffusion policy too;
weighted   the denoising loss of the policy's proposals, weighed by their values (`weighted`);
score      the loss of the noise that the value's slope stands for (`score`);
imitation  the denoising loss of a teacher's actions.
"""

from collections.abc import Callable
from typing import Any, Literal

import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from jaxsec.rl import denoising, score, weighted
from jaxsec.rl.denoising import Examples
from jaxsec.rl.policy import Denoises, Loss, Mean, Policy, Value

ActorLoss = Literal["pathwise", "weighted", "score", "imitation"]
Teacher = Callable[[Key[Array, ""], Any], Float[Array, "B A"]]
"""From a random key and the states of an environment, B leading, to the actions to be imitated."""


def noise(
    kind: ActorLoss,
    policy: Policy,
    key: Key[Array, ""],
    batch: int,
    *,
    num_proposals: int,
    exploration: float,
) -> Any:
    """All randomness of a loss in `batch` states."""
    if kind == "pathwise":
        return policy.noise(key, batch)
    if kind == "weighted":
        return weighted.noise(policy, key, batch, num_proposals, exploration)
    if kind == "score":
        return score.noise(policy, key, batch)
    return denoising.level(key, (1, batch, policy.action_size))


def of_policy(noise: Any) -> Any:
    """The part of it that makes one action of the policy in each state."""
    if isinstance(noise, weighted.Noise):
        return noise.chain[0]
    return noise.chain if isinstance(noise, score.Noise) else noise


def make(
    policy: Policy,
    actor: Any,
    noise: Any,
    observation: Float[Array, "B O"],
    mean: Mean,
    *,
    value: Value,
    taught: Float[Array, "B A"] | None = None,
) -> Callable[[Any], Loss]:
    """The loss of an actor's parameters, by the kind of noise that there is for it.

    Args:
      policy: whose actor.
      actor: its parameters as they are.
      noise: of this loss.
      observation: of B states.
      mean: of a batch's statistics.
      value: of actions in them.
      taught: a teacher's actions in them, where these are imitated.
    """
    if isinstance(noise, score.Noise):
        assert isinstance(policy, Denoises)  # as `Config` has seen to
        learned = score.examples(policy, actor, noise, observation, value, mean)
    elif taught is not None:
        learned = Examples(taught[None], jnp.ones((1, len(taught))), noise)
    elif isinstance(noise, weighted.Noise):
        learned = weighted.examples(policy, actor, noise, observation, value, mean)
    else:
        return lambda params: policy.loss(params, noise, observation, value, mean)
    assert isinstance(policy, Denoises)  # as `Config` has seen to

    def loss(params: Any) -> Loss:
        return Loss(policy.denoising_loss(params, observation, learned), {})

    return loss
