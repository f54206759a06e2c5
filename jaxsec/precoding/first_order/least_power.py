"""Least power for given secrecy rates: a step of the ascent, and powers of beams as they are.

The least power P at which all users have their rates is where the most that they can have at P,

    f(P) = max −α·log Σ_k log2(1 + exp((asked_k − R_k)/α))  over ‖u‖² ≤ P,

is zero as α goes to 0. A step raises that at the present power, then takes the power at which it is
zero. So beams and their power move in turns: a penalty on missing rates, added to the power, ties
one to the other, and the ascent is slow along the valley between them.
"""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxsec.precoding.batched import algebra
from jaxsec.precoding.first_order.limits import fitted
from jaxsec.precoding.first_order.step import Step, power_by_antenna
from jaxsec.precoding.first_order.value import Beams, Task, Values, rates, values
from jaxsec.secrecy import LN2, ConstantModulus, PowerConstraint, TotalPower
from jaxsec.shapes import lift

NEWTON_STEPS = 2
"""In the logarithm of the power, each at most 1."""
LEAST_SLOPE = 0.1
"""Of the shortfall by the logarithm of the power: a smaller one counts as this, bit/s/Hz."""
ROOM = 1.01
"""Of amplitudes."""
ROUNDS = 8
MAX_CHANGE = 2.0
"""Of the power of a user in a round."""


@functools.partial(
    jax.tree_util.register_dataclass, data_fields=["rates"], meta_fields=["colluding"]
)
@dataclasses.dataclass(frozen=True)
class _Shortfall:
    """What users lack of the rates asked for, negative."""

    rates: Any
    """[B, K]; users without a rate are left out."""
    colluding: bool

    def value(self, rates: Float[Array, "... K"], spent: Float[Array, "..."]) -> Array:
        """−Σ_k max(asked_k − R_k, 0)."""
        del spent
        return -jnp.sum(jnp.maximum(lift(self.rates, rates.ndim) - rates, 0.0), axis=-1)

    def smooth(
        self, rates: Float[Array, "... K"], spent: Float[Array, "..."], smoothing: Any
    ) -> Array:
        """−α·log Σ_k log2(1 + exp((asked_k − R_k)/α)): at zero and above, none lacks anything.

        Of large lacks the sum counts, so that who cannot be served does not hide the others; of
        small ones, as good as the largest alone.
        """
        del spent
        asked = lift(self.rates, rates.ndim)
        lacking = (asked - rates) / smoothing
        far = lacking < -15.0  # where log(1 + exp(x)) is exp(x) to float32
        near = jnp.log(jax.nn.softplus(jnp.where(far, 0.0, lacking)))
        each = jnp.where(far, lacking, near) - jnp.log(LN2)
        each = jnp.where(asked > 0, each, -jnp.inf)
        wanted = jnp.any(asked > 0, axis=-1)
        each = jnp.where(wanted[..., None], each, 0.0)
        return jnp.where(wanted, -smoothing * jax.nn.logsumexp(each, axis=-1), jnp.inf)


@functools.partial(jax.tree_util.register_dataclass, data_fields=["inner", "power"], meta_fields=[])
@dataclasses.dataclass(frozen=True)
class _Within(PowerConstraint):
    """A constraint, and no more power in all than the present one; in units of that."""

    inner: Any
    power: Any
    """[B]."""

    def groups(self, num_antennas: int) -> np.ndarray:
        """Those of the constraint, then all antennas."""
        return np.concatenate([self.inner.groups(num_antennas), np.ones((1, num_antennas))])

    def bounds(self, num_antennas: int) -> Float[Array, "B C"]:
        """Of the constraint over the power, then one."""
        inner = self.inner.bounds(num_antennas)
        inner = jnp.broadcast_to(inner, (*self.power.shape, inner.shape[-1]))
        ones = jnp.ones_like(self.power)[:, None]
        return jnp.concatenate([inner / self.power[:, None], ones], axis=-1)


def lower(
    step: Step, task: Task, beams: Beams, num_users: int, smoothing: Any
) -> tuple[Beams, Values, Float[Array, "B"]]:
    """As a step, for least power: more of the rates at the same power, then less of that."""
    power = algebra.sum_first(power_by_antenna(beams.u))
    power = jnp.where(power > 0, power, 1.0)
    root = jnp.sqrt(power)
    total = isinstance(task.constraint, TotalPower | ConstantModulus)
    constraint: PowerConstraint = task.constraint if total else _Within(task.constraint, power)
    asked: Any = task.objective
    shortfall = _Shortfall(asked.rates, asked.colluding)
    scaled = Task(task.h.scale(root), shortfall, constraint)
    moved, reached, length = step(
        scaled, Beams(beams.u.scale(1.0 / root), beams.y), num_users, smoothing
    )
    change = _power_change(scaled, moved, num_users, smoothing)
    sent = power_by_antenna(moved.u) * (power * jnp.exp(change))[None]
    scale = jnp.exp(0.5 * change) * fitted(task.constraint, sent[:, None])[0]
    beams = Beams(moved.u.scale(root * scale), moved.y.scale(scale))
    spent = algebra.sum_first(power_by_antenna(beams.u))
    hard = values(task, beams.y[:, :, None], spent[None], num_users, smoothing).hard[0]
    return beams, Values(reached.smooth, hard), length


def _power_change(task: Task, beams: Beams, num_users: int, smoothing: Any) -> Float[Array, "B"]:
    """Of the logarithm of the power, to where the smooth shortfall is zero: Newton's method."""

    def shortfall(change: Float[Array, "B"]) -> Float[Array, "B"]:
        y = beams.y[:, :, None].scale(jnp.exp(0.5 * change))
        return values(task, y, jnp.exp(change)[None], num_users, smoothing).smooth[0]

    def newton(_: Any, change: Float[Array, "B"]) -> Float[Array, "B"]:
        value, slope = jax.jvp(shortfall, (change,), (jnp.ones_like(change),))
        return change - jnp.clip(value / jnp.maximum(slope, LEAST_SLOPE), -1.0, 1.0)

    return jax.lax.fori_loop(0, NEWTON_STEPS, newton, jnp.zeros_like(beams.u.re[0, 0]))


def share_out(task: Task, beams: Beams, num_users: int) -> Beams:
    """Powers of the users' beams at which each has just its rate, directions and noise as they are.

    With γ = 2^asked, user k needs 1 + a ≥ γ·(1 + b) of its SINR a and of b, that of the worst
    eavesdropper; both grow as its own power p: p ← p·(γ − 1)/(a − γ·b). All users in turns are
    Yates's iteration (IEEE JSAC 13(7), 1995); since beams also jam, it is not sure to end there.
    What comes back has `ROOM` for that, from which a common scale takes what is too much.
    """
    asked: Any = task.objective
    wanted = jnp.exp2(asked.rates.T)

    def share(_: Any, beams: Beams) -> Beams:
        rate, _, worst = rates(task, beams.y[:, :, None], num_users, 1.0)
        own, heard = (jnp.expm1(LN2 * x[:, 0]) for x in (rate, worst))
        room = own - wanted * heard
        there = room > 0
        change = jnp.where(there, (wanted - 1.0) / jnp.where(there, room, 1.0), MAX_CHANGE)
        change = jnp.sqrt(jnp.clip(change, 1.0 / MAX_CHANGE, MAX_CHANGE))
        scale = jnp.concatenate([change, jnp.ones_like(beams.u.re[0, num_users:])])
        return Beams(beams.u.scale(scale), beams.y.scale(scale))

    beams = jax.lax.fori_loop(0, ROUNDS, share, beams)
    room = jnp.full_like(beams.u.re[0, 0], ROOM)
    return Beams(beams.u.scale(room), beams.y.scale(room))
