"""The power budget, P1 (8): ‖w‖² + ‖v‖² ≤ 1 in units of the transmit power P; and of antennas.

A row of the table `POWERS` limits sums of the powers of antennas, r_m = Σ_n |u_mn|² for u = [w v],
and may ask for beams of a shape. Rows are pytrees, as objectives are.
"""

import dataclasses
import functools
from typing import Any, ClassVar, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from jaxsec import checks
from jaxsec.compiled import compiled
from jaxsec.shapes import AnyArray, abs2, lift


@compiled()
def power(w: Complex[AnyArray, "... M K"], v: Complex[AnyArray, "... M J"]) -> Float[Array, "..."]:
    """‖w‖² + ‖v‖², the left side of P1 (8), in units of the transmit power P.

    >>> float(power(jnp.array([[0.6], [0.8j]]), jnp.zeros((2, 0), complex)))
    1.0

    Args:
      w: beams as columns, [..., M, K].
      v: artificial noise as columns, [..., M, J].

    Returns:
      [...].
    """
    w, v = jnp.asarray(w), jnp.asarray(v)
    return jnp.sum(abs2(w), axis=(-2, -1)) + jnp.sum(abs2(v), axis=(-2, -1))


@compiled()
def normalise_power(
    w: Complex[AnyArray, "... M K"], v: Complex[AnyArray, "... M J"]
) -> tuple[Complex[Array, "... M K"], Complex[Array, "... M J"]]:
    """Scales beams and noise together to the full budget ‖w‖² + ‖v‖² = 1, P1 (8); zero stays zero.

    >>> w, v = normalise_power(jnp.array([[3.0], [4.0j]]), jnp.zeros((2, 0), complex))
    >>> round(float(power(w, v)), 5)
    1.0

    Args:
      w: beams as columns, [..., M, K].
      v: artificial noise as columns, [..., M, J].

    Returns:
      w [..., M, K] and v [..., M, J].
    """
    w, v = jnp.asarray(w), jnp.asarray(v)
    # Dividing by the largest entry first keeps the squares of tiny or huge beams in range.
    peak = jnp.maximum(
        jnp.max(_abs1(w), axis=(-2, -1), initial=0.0), jnp.max(_abs1(v), axis=(-2, -1), initial=0.0)
    )
    scale = 1.0 / jnp.where(peak > 0, peak, 1.0)
    w, v = w * scale[..., None, None], v * scale[..., None, None]
    total = power(w, v)
    scale = jax.lax.rsqrt(jnp.where(total > 0, total, 1.0))
    return w * scale[..., None, None], v * scale[..., None, None]


def _abs1(x: Complex[Array, "..."]) -> Float[Array, "..."]:
    """|Re| + |Im|, a norm without the square root's trouble at zero."""
    return jnp.abs(x.real) + jnp.abs(x.imag)


@runtime_checkable
class PowerConstraint(Protocol):
    """Σ_m groups_cm·r_m ≤ limit_c for every c: limits on the power r_m of antennas."""

    artificial_noise: ClassVar[bool] = True
    """Whether noise beams are allowed."""

    def shaped(
        self, w: Complex[Array, "... M K"], v: Complex[Array, "... M J"]
    ) -> tuple[Complex[Array, "... M K"], Complex[Array, "... M A"]]:
        """The nearest beams and noise of the shape asked for, of no more power: by default any."""
        return w, v

    def groups(self, num_antennas: int) -> np.ndarray:
        """[C, M], which antennas share each limit: 1 or 0."""
        ...

    def bounds(self, num_antennas: int) -> Float[Array, "... C"]:
        """The limits, [C] or [..., C], in units of the transmit power P."""
        ...


@functools.partial(jax.tree_util.register_dataclass, data_fields=[], meta_fields=[])
@dataclasses.dataclass(frozen=True)
class TotalPower(PowerConstraint):
    """‖w‖² + ‖v‖² ≤ 1, P1 (8)."""

    def groups(self, num_antennas: int) -> np.ndarray:
        """All antennas."""
        return np.ones((1, num_antennas))

    def bounds(self, num_antennas: int) -> Float[Array, "... C"]:
        """One."""
        del num_antennas
        return jnp.ones(1)


@functools.partial(jax.tree_util.register_dataclass, data_fields=["limits"], meta_fields=[])
@dataclasses.dataclass(frozen=True)
class AntennaPower(PowerConstraint):
    """Σ_n |u_mn|² ≤ limit_m for each antenna m, and ‖w‖² + ‖v‖² ≤ 1."""

    limits: Any = None
    """[M] or [..., M], in units of the transmit power P; by default each 1/M, P shared evenly."""

    def groups(self, num_antennas: int) -> np.ndarray:
        """Each antenna, then all, unless the antennas' limits imply that."""
        each, every = np.eye(num_antennas), np.ones((1, num_antennas))
        return each if self.limits is None else np.concatenate([each, every])

    def bounds(self, num_antennas: int) -> Float[Array, "... C"]:
        """Each antenna's, then one."""
        if self.limits is None:
            return jnp.full(num_antennas, 1.0 / num_antennas)
        limits = jnp.asarray(self.limits)
        return jnp.concatenate([limits, jnp.ones_like(limits[..., :1])], axis=-1)


@functools.partial(jax.tree_util.register_dataclass, data_fields=[], meta_fields=[])
@dataclasses.dataclass(frozen=True)
class ConstantModulus(PowerConstraint):
    """|w_mk| = a_k at every antenna m, J = 0 and ‖w‖² ≤ 1: phase shifters alone form the beams.

    The shares a_k are set in baseband, one chain for each user, and may be zero.
    """

    artificial_noise: ClassVar[bool] = False

    def shaped(
        self, w: Complex[Array, "... M K"], v: Complex[Array, "... M J"]
    ) -> tuple[Complex[Array, "... M K"], Complex[Array, "... M 0"]]:
        """Phases as they are, moduli at their mean; without the noise."""
        length2 = abs2(w)
        there = length2 > 0
        inverse = jax.lax.rsqrt(jnp.where(there, length2, 1.0))
        modulus = jnp.mean(jnp.where(there, length2 * inverse, 0.0), axis=-2, keepdims=True)
        return modulus * jnp.where(there, w * inverse, 1.0), v[..., :0]

    def groups(self, num_antennas: int) -> np.ndarray:
        """Those of `TotalPower`."""
        return TotalPower().groups(num_antennas)

    def bounds(self, num_antennas: int) -> Float[Array, "... C"]:
        """Those of `TotalPower`."""
        return TotalPower().bounds(num_antennas)


POWERS: dict[str, Any] = {
    "total": TotalPower,
    "per-antenna": AntennaPower,
    "constant-modulus": ConstantModulus,
}
"""Every power constraint by its name on the command line."""


def check_noise_beams(constraint: PowerConstraint, num_noise_beams: int | None) -> None:
    """Refuses artificial noise that is asked for where a constraint allows none.

    Args:
      constraint: a row of the table.
      num_noise_beams: J, or None where it is left to the designer.

    Raises:
      InputError: it is.
    """
    checks.require(
        constraint.artificial_noise or not num_noise_beams,
        f"`num_noise_beams` must be 0 or left out under {type(constraint).__name__}, which allows "
        f"no artificial noise, but is {num_noise_beams}",
    )


@compiled()
def fitting_scale(constraint: PowerConstraint, sent: Float[Array, "... M"]) -> Float[Array, "..."]:
    """In [0, 1]: the largest factor of all beams at which a constraint allows them.

    One factor for all, since others would move what beams keep apart.

    >>> round(float(fitting_scale(TotalPower(), jnp.array([1.0, 3.0]))), 4)
    0.5

    Args:
      constraint: a row of the table.
      sent: power of each antenna, [..., M].

    Returns:
      [...], a factor of amplitudes.
    """
    groups = jnp.asarray(constraint.groups(sent.shape[-1]), sent.dtype)
    power = jnp.einsum("...m,cm->...c", sent, groups, precision="highest")
    bounds = lift(constraint.bounds(sent.shape[-1]), power.ndim).astype(power.dtype)
    there = power > 0
    share = jnp.where(there, bounds / jnp.where(there, power, 1.0), 1.0)
    return jnp.sqrt(jnp.minimum(jnp.min(share, axis=-1), 1.0))


@compiled()
def limit_power(
    w: Complex[AnyArray, "... M K"],
    v: Complex[AnyArray, "... M J"],
    constraint: PowerConstraint,
) -> tuple[Complex[Array, "... M K"], Complex[Array, "... M A"]]:
    """Beams and noise of a constraint's shape, scaled back together to what it allows; allowed ones
    stay.

    >>> w, v = limit_power(jnp.array([[1.0], [3.0j]]), jnp.zeros((2, 0), complex), AntennaPower())
    >>> [round(float(x), 4) for x in jnp.abs(w[:, 0])]
    [0.2357, 0.7071]

    Args:
      w: beams as columns, [..., M, K].
      v: artificial noise as columns, [..., M, J].
      constraint: a row of the table.

    Returns:
      w [..., M, K] and v [..., M, A], A = J noise beams, or none where none are allowed.
    """
    w, v = constraint.shaped(jnp.asarray(w), jnp.asarray(v))
    scale = fitting_scale(constraint, jnp.sum(abs2(w), axis=-1) + jnp.sum(abs2(v), axis=-1))
    return w * scale[..., None, None], v * scale[..., None, None]
