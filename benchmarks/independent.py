"""An independent reference for objectives: SLSQP on the epigraph, in NumPy and float64.

Nothing of the library's designers or rates is used. With τ_k for the secrecy rate of user k,

    max f(τ, ‖u‖²)  s.t.  R_k(u) − R^e_lk(u) ≥ τ_k for every eavesdropper l,  τ ≥ 0,
    and ‖u‖² or Σ_n |u_mn|² within the limits of the power

has no corner where another eavesdropper or user becomes the worst, so that nothing is smoothed.
It is solved for z in u = (I + HHᴴ)^(−½)·z, in which what a beam leaks is of the order of its
variable, or of beams of constant modulus for their phases and amplitudes, by sequential least
squares (Kraft, DFVLR-FB 88-28, 1988) from random starts: beams that all receivers but their own
hear little of, and noise that users hear little of. It takes seconds for a channel, and serves to
say what the fast ascent leaves.
"""

import dataclasses
from typing import Any

import numpy as np
from scipy import optimize

from jaxsec.secrecy import (
    AntennaPower,
    ConstantModulus,
    EnergyEfficiency,
    LeastPower,
    Sum,
    WorstUser,
)

LN2 = np.log(2.0)
TOLERANCE = 1e-6
"""By which a constraint may be missed: of a rate in bit/s/Hz, of a power in units of the budget."""


@dataclasses.dataclass(frozen=True)
class Problem:
    """One channel, and an objective as bounds of its rates."""

    h: np.ndarray
    """[M, K + L], columns over the noise, users first."""
    num_users: int
    objective: Any
    by_antenna: bool

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """S [K, T] and c [K] of the least rates S·t + c, t the variables beside the beams."""
        every = np.eye(self.num_users)
        match self.objective:
            case Sum(user_weights=None, colluding=False) | EnergyEfficiency(colluding=False):
                return every, np.zeros(self.num_users)
            case WorstUser(colluding=False):
                return np.ones((self.num_users, 1)), np.zeros(self.num_users)
            case LeastPower(rates=rates, colluding=False):
                return every[:, :0], np.broadcast_to(rates, self.num_users).astype(float)
        raise ValueError(f"there is no reference for {self.objective!r}")

    def cost(self, t: np.ndarray, spent: float) -> tuple[float, np.ndarray, float]:
        """−f, of least power the logarithm, and its slopes by t and by the power spent."""
        if isinstance(self.objective, LeastPower):
            return np.log(spent), t, 1.0 / spent
        scale, slope = 1.0, 0.0
        if isinstance(self.objective, EnergyEfficiency):
            transmit = float(self.objective.transmit_power_w)
            scale = transmit * spent + float(self.objective.circuit_power_w)
            slope = transmit
        total = t.sum()
        return -total / scale, -np.ones_like(t) / scale, slope * total / scale**2

    def margins(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """R_k − R^e_lk [K·max(L, 1)], and gradients by beams [.., M, N] (twice those by ū)."""
        num_receivers = self.h.shape[1]
        user = [self._rate(u, k, k) for k in range(self.num_users)]
        values, slopes = [], []
        for k, (rate, slope) in enumerate(user):
            eves = [self._rate(u, r, k) for r in range(self.num_users, num_receivers)]
            for other, back in eves or [(0.0, np.zeros_like(u))]:
                values.append(rate - other)
                slopes.append(slope - back)
        return np.array(values), np.array(slopes)

    def _rate(self, u: np.ndarray, receiver: int, k: int) -> tuple[float, np.ndarray]:
        """What a receiver decodes of beam k: log2(1 + |y_k|²/(1 + Σ_{n≠k}|y_n|²))."""
        h = self.h[:, receiver]
        y = h.conj() @ u
        power = np.abs(y) ** 2
        rest = 1.0 + np.delete(power, k).sum()
        weight = np.full(len(y), 1.0 / (rest + power[k]) - 1.0 / rest)
        weight[k] = 1.0 / (rest + power[k])
        return np.log1p(power[k] / rest) / LN2, np.outer(h, 2.0 / LN2 * weight * y)

    def room(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What is left of the power, and its gradients by beams."""
        if not self.by_antenna:
            return np.array([1.0 - np.sum(np.abs(u) ** 2)]), -2.0 * u[None]
        each = np.eye(len(u))[:, :, None]
        return 1.0 / len(u) - np.sum(np.abs(u) ** 2, axis=1), -2.0 * each * u


def best_value(
    h_user: np.ndarray,
    h_eve: np.ndarray,
    objective: Any,
    power: Any,
    *,
    num_noise_beams: int = 2,
    num_starts: int = 4,
    seed: int = 0,
) -> float:
    """The largest objective that SLSQP finds on one channel.

    Args:
      h_user: [K, M] over the noise.
      h_eve: [L, M] over the noise.
      objective: `Sum()`, `WorstUser()`, `EnergyEfficiency` or `LeastPower` of numbers.
      power: `TotalPower()`, `AntennaPower()` or `ConstantModulus()`.
      num_noise_beams: J, none of constant modulus.
      num_starts: random starts.
      seed: of them.

    Returns:
      The objective; −inf if no start ends within the constraints.
    """
    h = np.concatenate([h_user, h_eve]).T.astype(np.complex128)
    problem = Problem(h, h_user.shape[0], objective, isinstance(power, AntennaPower))
    analogue = isinstance(power, ConstantModulus)
    coordinates = Polar(len(h)) if analogue else Whitened(h)
    rng = np.random.default_rng(seed)
    count = 0 if analogue else num_noise_beams
    starts = [_start(problem, count, rng) for _ in range(num_starts)]
    return max(_ascend(problem, coordinates, u) for u in starts)


def _start(problem: Problem, num_noise_beams: int, rng: np.random.Generator) -> np.ndarray:
    """Beams [M, N] regularised against what they harm, of random powers within the limits."""
    h, num_users = problem.h, problem.num_users
    size = len(h)
    user = h[:, :num_users]
    noise = rng.normal(size=(2, size, num_noise_beams))
    u = np.concatenate(
        [
            np.linalg.solve(np.eye(size) + h @ h.conj().T, user),
            np.linalg.solve(np.eye(size) + user @ user.conj().T, noise[0] + 1j * noise[1]),
        ],
        axis=1,
    )
    norm = np.linalg.norm(u, axis=0)
    share = np.where(np.arange(u.shape[1]) < num_users, 1.0, 0.1) * rng.exponential(size=len(norm))
    u = u / np.where(norm > 0, norm, 1.0) * np.sqrt(share / share.sum())
    return u / np.sqrt(size * np.sum(np.abs(u) ** 2, axis=1).max() if problem.by_antenna else 1.0)


class Whitened:
    """Beams u = (I + HHᴴ)^(−½)·z by the real and imaginary parts of z."""

    def __init__(self, h: np.ndarray) -> None:
        values, vectors = np.linalg.eigh(np.eye(len(h)) + h @ h.conj().T)
        self.root = vectors / np.sqrt(values) @ vectors.conj().T

    def of(self, u: np.ndarray) -> np.ndarray:
        """Coordinates of beams [M, N]."""
        z = np.linalg.solve(self.root, u)
        return np.concatenate([z.real.ravel(), z.imag.ravel()])

    def beams(self, x: np.ndarray) -> np.ndarray:
        """[M, N]."""
        z = x.reshape(2, len(self.root), -1)
        return self.root @ (z[0] + 1j * z[1])

    def real(self, x: np.ndarray, slope: np.ndarray) -> np.ndarray:
        """Gradients by coordinates of those by beams [..., M, N]."""
        del x
        back = (self.root @ slope).reshape(*slope.shape[:-2], -1)
        return np.concatenate([np.real(back), np.imag(back)], axis=-1)


class Polar:
    """Beams u_mn = a_n·exp(iθ_mn) by θ and a."""

    def __init__(self, size: int) -> None:
        self.size = size

    def of(self, u: np.ndarray) -> np.ndarray:
        """Coordinates of the nearest beams of constant modulus to u [M, N]."""
        return np.concatenate([np.angle(u).ravel(), np.abs(u).mean(axis=0)])

    def beams(self, x: np.ndarray) -> np.ndarray:
        """[M, N]."""
        angle, modulus = np.split(x.reshape(self.size + 1, -1), [self.size])
        return modulus * np.exp(1j * angle)

    def real(self, x: np.ndarray, slope: np.ndarray) -> np.ndarray:
        """Gradients by coordinates of those by beams [..., M, N]."""
        angle, modulus = np.split(x.reshape(self.size + 1, -1), [self.size])
        along: Any = np.conj(slope) * np.exp(1j * angle)
        turned = (-modulus * along.imag).reshape(*slope.shape[:-2], -1)
        return np.concatenate([turned, along.real.sum(axis=-2)], axis=-1)


def _ascend(problem: Problem, coordinates: Whitened | Polar, u: np.ndarray) -> float:
    """The objective that one start leads to."""
    spread, least = problem.bounds
    each = len(problem.margins(u)[0]) // problem.num_users
    spread, least = np.repeat(spread, each, axis=0), np.repeat(least, each)
    first = coordinates.of(u)
    count = len(first)

    def beams(x: np.ndarray) -> np.ndarray:
        return coordinates.beams(x[:count])

    def real(x: np.ndarray, slope: np.ndarray) -> np.ndarray:
        return coordinates.real(x[:count], slope)

    def constraints(x: np.ndarray) -> np.ndarray:
        margins = problem.margins(beams(x))[0] - spread @ x[count:] - least
        return np.concatenate([margins, problem.room(beams(x))[0]])

    def slopes(x: np.ndarray) -> np.ndarray:
        rate, room = (of(beams(x))[1] for of in (problem.margins, problem.room))
        by_t = np.concatenate([-spread, np.zeros((len(room), spread.shape[1]))])
        return np.concatenate([real(x, np.concatenate([rate, room])), by_t], axis=1)

    def cost(x: np.ndarray) -> tuple[float, np.ndarray]:
        sent = beams(x)
        value, by_t, by_power = problem.cost(x[count:], float(np.sum(np.abs(sent) ** 2)))
        return value, np.concatenate([real(x, 2.0 * by_power * sent), by_t])

    margin = problem.margins(beams(first))[0].min()
    found = optimize.minimize(
        cost,
        np.concatenate([first, np.maximum(margin * np.ones(spread.shape[1]), 0.0)]),
        jac=True,
        method="SLSQP",
        bounds=[(None, None)] * count + [(0.0, None)] * spread.shape[1],
        constraints={"type": "ineq", "fun": constraints, "jac": slopes},
        options={"maxiter": 400, "ftol": 1e-9},
    )
    if constraints(found.x).min() < -TOLERANCE:
        return -np.inf
    return -float(np.exp(found.fun) if isinstance(problem.objective, LeastPower) else found.fun)
