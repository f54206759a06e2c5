"""MoE-GDM: a diffusion policy whose denoising head is a mixture of experts, P2, Section IV.

A shared bottom turns the state into features, a gate weighs the experts, and the denoising chain
runs through those that are selected, the same ones at all its steps.

With one expert selected, P2's choice, no gradient runs through the selection. The gate then learns
from what it chooses between, the value of every expert's action in the state: the exact gradient of
the expected value under the gate, Σ_k p_k·Q(s, a_k), without variance or surrogate. With several
selected, their predictions are mixed by the gate's renormalised weights at every step, and the
gradient runs through these.

A load-balancing term (`jaxsec.learning.experts.load_balance`) keeps experts from starving.
"""

import dataclasses
from typing import Any, Literal, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from jaxsec import checks
from jaxsec.diffusion import chain
from jaxsec.learning import experts
from jaxsec.rl import denoiser
from jaxsec.rl.layout import Layout
from jaxsec.rl.networks import embed_time
from jaxsec.rl.policy import Loss, Mean, Value

Specialist = Literal["selected", "best"]
"""Whose a state's unshared part in training is: the expert's that the gate selects, or the one's
whose action is worth most there."""


class Gated(NamedTuple):
    """What the gate says of a batch of states."""

    features: Float[Array, "B *F"]
    """Of the state, or of each of its columns."""
    weight: Float[Array, "B E"]
    """Softmax over all experts."""
    selected: Float[Array, "B E"]
    """The largest weights, renormalised; 0 for experts that are not selected."""


@dataclasses.dataclass(frozen=True)
class MixtureOfExperts:
    """A diffusion policy with several heads.

    Raises:
      InputError: fewer than one expert, more selected than there are, or several where each is to
        learn where it is best.
    """

    observation_size: int
    action_size: int
    width: int
    num_steps: int = 6
    bound: chain.Bound = "tanh"
    prediction: chain.Prediction = "start"
    num_experts: int = 3
    num_selected: int = 1
    """Experts that act in a state: 1 is top-1, all of them a soft mixture."""
    load_balance_weight: float = 0.01
    """Weight of the load-balancing term."""
    shared_fraction: float = 0.7
    """Of a state's part in training, what all experts get alike; the rest is one's."""
    specialist: Specialist = "selected"
    """Whose that is."""
    layout: Layout | None = None
    """Of the observation, whose symmetries the networks keep to; None for flat ones."""

    def __post_init__(self) -> None:
        checks.check_at_least("num_experts", self.num_experts, 1)
        checks.require(
            1 <= self.num_selected <= self.num_experts,
            f"`num_selected` must lie in [1, {self.num_experts}], the number of experts, "
            f"but is {self.num_selected}",
        )
        checks.require(
            self.specialist == "selected" or self.num_selected == 1,
            "`specialist` must be selected where several experts act together, with "
            f"`num_selected` {self.num_selected}, but is {self.specialist!r}",
        )

    @property
    def bottom(self) -> nn.Module:
        return denoiser.trunk(self.width, self.layout)

    @property
    def gate(self) -> nn.Dense:
        return experts.gate(self.num_experts)

    @property
    def head(self) -> nn.Module:
        return denoiser.head(self.action_size, self.width, self.layout)

    def init(self, key: Key[Array, ""]) -> Any:
        key_bottom, key_gate, key_heads = jax.random.split(key, 3)
        observation, x = jnp.zeros((1, self.observation_size)), jnp.zeros((1, self.action_size))
        features, bottom = self.bottom.init_with_output(key_bottom, observation)
        pooled = denoiser.pooled(features, self.layout)
        init_head = lambda k: self.head.init(k, x, embed_time(0), features)["params"]  # noqa: E731
        return {
            "bottom": bottom["params"],
            "gate": self.gate.init(key_gate, pooled)["params"],
            "heads": jax.vmap(init_head)(jax.random.split(key_heads, self.num_experts)),
        }

    def noise(self, key: Key[Array, ""], batch: int) -> Float[Array, "T B A"]:
        return jax.random.normal(key, (self.num_steps, batch, self.action_size))

    def gated(self, params: Any, observation: Float[Array, "B O"]) -> Gated:
        """The gate's weights, and whom it selects."""
        features: Any = self.bottom.apply({"params": params["bottom"]}, observation)
        pooled = denoiser.pooled(features, self.layout)
        logits = self.gate.apply({"params": params["gate"]}, pooled)
        routing = experts.route(logits, self.num_selected)  # pyright: ignore
        return Gated(features, routing.weight, routing.selected)

    def propose(
        self, params: Any, noise: Float[Array, "T B A"], features: Float[Array, "B *F"]
    ) -> Float[Array, "E B A"]:
        """The action of every expert alone."""
        return jax.vmap(lambda head: self._chain(head, noise, features))(params["heads"])

    def mix(self, params: Any, noise: Float[Array, "T B A"], gated: Gated) -> Float[Array, "B A"]:
        """One chain whose every step mixes the selected experts' predictions."""
        read = jax.vmap(lambda head: self._read(head, gated.features))(params["heads"])

        def predict(x: Float[Array, "B A"], t: int) -> Float[Array, "B A"]:
            each = jax.vmap(lambda head, r: self._predict(head, x, t, r))(params["heads"], read)
            return experts.combine(gated.selected, each)

        return self._denoise(predict, noise)

    def act(
        self, params: Any, noise: Float[Array, "T B A"], observation: Float[Array, "B O"]
    ) -> Float[Array, "B A"]:
        gated = self.gated(params, observation)
        if self.num_selected == 1:
            return experts.combine(gated.selected, self.propose(params, noise, gated.features))
        return self.mix(params, noise, gated)

    def loss(
        self,
        params: Any,
        noise: Float[Array, "T B A"],
        observation: Float[Array, "B O"],
        value: Value,
        mean: Mean,
    ) -> Loss:
        gated = self.gated(params, observation)
        if self.num_selected == 1:
            values = jax.vmap(value, out_axes=-1)(self.propose(params, noise, gated.features))
            frozen, shared = jax.lax.stop_gradient, self.shared_fraction
            # The experts learn where they are selected, or where they are best, and from one
            # another's states; the gate from all that could be.
            own = gated.selected
            if self.specialist == "best":
                own = jax.nn.one_hot(jnp.argmax(values, axis=-1), self.num_experts)
            part = (1.0 - shared) * own + shared / self.num_experts
            acted = jnp.sum(frozen(part) * values, axis=-1)
            chosen = jnp.sum(gated.weight * frozen(values), axis=-1)
            loss = -jnp.mean(acted + chosen - frozen(chosen))
        else:
            loss = -jnp.mean(value(self.mix(params, noise, gated)))
        load = mean(experts.expert_load(gated.selected))
        balance = experts.load_balance(load, gated.weight, self.num_selected)
        watched = {f"expert_load_{k}": load[k] for k in range(self.num_experts)}
        watched["gate_entropy"] = experts.entropy(gated.weight)
        return Loss(loss + self.load_balance_weight * balance, watched)

    def _chain(
        self, head: Any, noise: Float[Array, "T B A"], features: Float[Array, "B *F"]
    ) -> Float[Array, "B A"]:
        read = self._read(head, features)
        return self._denoise(lambda x, t: self._predict(head, x, t, read), noise)

    def _denoise(self, predict: chain.Predict, noise: Float[Array, "T B A"]) -> Float[Array, "B A"]:
        schedule = chain.variance_preserving(self.num_steps)
        return chain.denoise(schedule, predict, noise, bound=self.bound, prediction=self.prediction)

    def _read(self, head: Any, features: Any) -> Any:
        return self.head.apply({"params": head}, features, method="read")

    def _predict(self, head: Any, x: Any, t: int, read: Any) -> Any:
        return self.head.apply({"params": head}, x, embed_time(t), read, method="predict")
