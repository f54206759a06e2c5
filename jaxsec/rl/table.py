"""Policies by name."""

import dataclasses
from collections.abc import Callable
from typing import Literal, get_args

from jaxsec import checks
from jaxsec.diffusion import chain
from jaxsec.rl.deterministic import Deterministic
from jaxsec.rl.diffusion import Diffusion
from jaxsec.rl.layout import Layout
from jaxsec.rl.moe import MixtureOfExperts, Specialist
from jaxsec.rl.policy import Policy

Network = Literal["flat", "equivariant", "interference", "unfolded"]
POLICIES: dict[str, str] = {
    "moe-gdm": "diffusion by a mixture of experts",
    "gdm": "diffusion",
    "mlp": "a deterministic network",
    "ddpg": "a deterministic network, with a single critic",
}


def make(
    name: str,
    observation_size: int,
    action_size: int,
    *,
    width: int,
    network: Network = "flat",
    layout: Layout | None = None,
    num_steps: int = 6,
    num_experts: int = 3,
    num_selected: int = 1,
    load_balance_weight: float = 0.01,
    shared_fraction: float = 0.7,
    specialist: Specialist = "selected",
    bound: chain.Bound = "tanh",
    prediction: chain.Prediction = "start",
) -> Policy:
    """A policy of `POLICIES`.

    Args:
      name: of the policy.
      observation_size: O.
      action_size: A.
      width: of all layers.
      network: of full layers; one that keeps to the symmetries of the observation; such a one that
        also works out what is heard, where entries are levels of links; or one that also works out
        how that would change, of estimates where entries are observed with errors.
      layout: of the observation, where it is a table.
      num_steps: T, of a diffusion policy.
      num_experts: of a mixture.
      num_selected: experts that act in a state.
      load_balance_weight: weight of the load-balancing term.
      shared_fraction: of a state's part in training, what all experts get alike.
      specialist: whose the rest is, the selected expert's or the best one's.
      bound: how a diffusion policy keeps to [-1, 1].
      prediction: what a denoiser puts out.

    Raises:
      InputError: there is no such policy or network, the observation's layout is not known where
        the network needs it, or a number is out of its range.
    """
    checks.require(
        name in POLICIES, f"`policy` must be one of {', '.join(POLICIES)}, but is {name!r}"
    )
    checks.check_at_least("width", width, 1)
    checks.check_at_least("num_steps", num_steps, 1)
    for field, value, known in (
        ("network", network, get_args(Network)),
        ("specialist", specialist, get_args(Specialist)),
        ("bound", bound, get_args(chain.Bound)),
        ("prediction", prediction, get_args(chain.Prediction)),
    ):
        checks.require(
            value in known, f"`{field}` must be one of {', '.join(known)}, but is {value!r}"
        )
    layout = laid_out(network, layout)
    sizes = observation_size, action_size, width
    steps = num_steps, bound, prediction
    mixture = num_experts, num_selected, load_balance_weight, shared_fraction, specialist
    makers: dict[str, Callable[[], Policy]] = {
        "moe-gdm": lambda: MixtureOfExperts(*sizes, *steps, *mixture, layout),
        "gdm": lambda: Diffusion(*sizes, *steps, layout),
        "mlp": lambda: Deterministic(*sizes, layout),
        "ddpg": lambda: Deterministic(*sizes, layout),
    }
    return makers[name]()


def laid_out(network: Network, layout: Layout | None) -> Layout | None:
    """What a network is to know of an environment's layout; None for one of full layers.

    Raises:
      InputError: the network needs to know more.
    """
    if network == "flat":
        return None
    checks.require(
        layout is not None,
        "`network` must be flat where the environment does not say how its observations are "
        f"laid out, but is {network!r}",
    )
    assert layout is not None
    if network != "unfolded":
        layout = dataclasses.replace(layout, uncertain=False, places=())
    if network == "equivariant":
        return dataclasses.replace(layout, levels=None)
    checks.require(
        layout.levels is not None,
        "`network` must be flat or equivariant where steps of actions are not steps of the levels "
        f"observed, as with power steps in watt or batteries, but is {network!r}",
    )
    return dataclasses.replace(layout, slopes=network == "unfolded")


def num_values(name: str) -> int:
    """Critics that a policy learns from: twins, of which the lower one counts, but for DDPG."""
    return 1 if name == "ddpg" else 2
