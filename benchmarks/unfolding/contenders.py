"""What `benchmarks.unfolded` compares: starts, their trained steps, and the library's own."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from benchmarks import alone
from benchmarks.points import DEFAULT
from benchmarks.sizes import STREETS, WHERE
from benchmarks.unfolding import designs, steps, training
from benchmarks.unfolding.steps import Scalars
from jaxsec import Scenario, keys, sample_channels
from jaxsec.channels import Channels
from jaxsec.precoding import gpip
from jaxsec.precoding.closed_form import closed_form
from jaxsec.precoding.gpip.design import REFINING
from jaxsec.shapes import over_noise
from jaxsec.strategy import Strategy

STREET = "3 clusters, factor 1"
POINTS = {"rayleigh": DEFAULT.scenario(), "streets": Scenario(**WHERE, **STREETS[STREET])}
CLOSED_FORM = "closed form"
STARTS = (CLOSED_FORM, "setnet-robust", "cdm-f")
LONG = (16, 32)
"""Steps of OPT by default, and twice as many."""


class Contender(NamedTuple):
    """A way to design."""

    start: str
    way: str
    num_steps: int
    design: Callable[[], Strategy]
    """From a network's design, which is made before, the steps alone."""


class Plan(NamedTuple):
    """What is compared at a point."""

    starts: Sequence[str]
    num_steps: Sequence[int]
    seed: int
    config: training.Config


Learned = Mapping[tuple[str, str, int], Scalars]
"""Scalars by start, way and number of steps."""


def start_of(plan: Plan, start: str, use: str, channels: Channels) -> Strategy:
    """Designs to start from."""
    if start == CLOSED_FORM:
        return _closed_form(channels)
    return alone.generated(start, keys.stream(plan.seed, f"unfolded/{use}"), channels)


@jax.jit
def _closed_form(channels: Channels) -> Strategy:
    return closed_form(*channels)


def own_schedule(start: str, num_steps: int) -> Float[np.ndarray, "num_steps"]:
    """The library's smoothing from such a start, as in `gpip.opt` and `gpip.refine`."""
    if start == CLOSED_FORM:
        return gpip.annealing(num_steps)
    return np.geomspace(*REFINING, num_steps)


def train(plan: Plan, point: str) -> Learned:
    """Learned scalars of all starts and numbers of steps, on the same channels."""
    key = keys.stream(plan.seed, f"unfolded/train/{point}")
    channels = sample_channels(key, POINTS[point], plan.config.num_channels)
    h = [over_noise(x, channels.noise_power) for x in (channels.h_user, channels.h_eve)]
    found = {}
    for start in plan.starts:
        u = jnp.concatenate(start_of(plan, start, "train", channels), axis=-1)
        for n in plan.num_steps:
            initial = steps.unchanged(own_schedule(start, n))
            ways = ("learned",) if start != CLOSED_FORM else ("smoothing learned", "learned")
            for way in ways:
                found[start, way, n], _ = training.train(
                    initial,
                    jnp.concatenate(h, axis=1),
                    u,
                    plan.config,
                    num_users=channels.h_user.shape[1],
                    smoothing_alone=way != "learned",
                )
    return found


def contenders(plan: Plan, channels: Channels, found: Learned) -> list[Contender]:
    """All that is compared on these channels."""
    all_ = []
    for start in plan.starts:
        make = functools.partial(start_of, plan, start, "test", channels)
        made = None if start == CLOSED_FORM else make()
        all_.append(Contender(start, "none", 0, make))
        for n in plan.num_steps:
            all_.append(_plain(channels, start, n, made))
            if start == CLOSED_FORM:
                smoothing = np.exp(np.asarray(found[start, "smoothing learned", n].smoothing))
                run = functools.partial(_opt, channels, smoothing)
                all_.append(Contender(start, "smoothing learned", n, run))
            all_.append(_momentum(channels, start, n, made))
            run = functools.partial(designs.unfolded, channels, found[start, "learned", n], made)
            all_.append(Contender(start, "learned", n, run))
        if start == CLOSED_FORM:
            for n in LONG:
                all_ += [way(channels, start, n, made) for way in (_plain, _momentum)]
    return all_


def _plain(channels: Channels, start: str, num_steps: int, made: Strategy | None) -> Contender:
    """The library's own steps."""
    if made is None:
        run = functools.partial(_opt, channels, gpip.annealing(num_steps))
    else:
        run = functools.partial(gpip.refine, made, *channels, num_steps=num_steps)
    return Contender(start, "plain", num_steps, run)


def _momentum(channels: Channels, start: str, num_steps: int, made: Strategy | None) -> Contender:
    """Those with one momentum for all, nothing learned."""
    scalars = steps.unchanged(own_schedule(start, num_steps), training.MOMENTUM)
    run = functools.partial(designs.unfolded, channels, scalars, made)
    return Contender(start, "momentum", num_steps, run)


def _opt(channels: Channels, smoothing: Float[np.ndarray, "num_steps"]) -> Strategy:
    return gpip.opt(*channels, smoothing=smoothing).strategy
