"""Beam and noise for one user whom eavesdroppers must not overhear: a semidefinite programme.

Channels over the noise: the user's h is known, eavesdropper l's is g = m + √e·z, z of CN(0, I). Of
covariances W of the beam and Σ of the noise, tr W + tr Σ ≤ 1, those of the user's largest SINR are
wanted for which every eavesdropper's exceeds γ with probability ρ at most. With A = γΣ − W,

    Pr{e zᴴAz + 2√e Re(zᴴAm) + mᴴAm + γ ≥ 0} ≥ 1 − ρ

is wanted of every g. A Bernstein-type inequality (K.-Y. Wang, A. M.-C. So, T.-H. Chang, W.-K. Ma
and C.-Y. Chi, Outage Constrained Robust Transmit Optimization for Multiuser MISO Downlinks, IEEE
TSP 2014) is enough for it, and asks for more: with Q = eA, u = √e·Am, c = mᴴAm + γ, σ = −ln ρ,

    tr Q − √(2σ)·s − σt + c ≥ 0,   ‖(vec Q, √2·u)‖ ≤ s,   tI + Q ⪰ 0,   t ≥ 0.

Where all means are zero this asks for tr Q > √(2σ)·‖Q‖ of noise in the M − 1 dimensions that the
user does not hear: unless 2σ < M − 1, no noise is strong enough to promise anything.

1. The SINR hᴴWh/(1 + hᴴΣh) is made linear by Charnes and Cooper: all is multiplied by a τ that
   makes the denominator one.
2. Errors have no direction, so that in the dimensions that neither h nor any m is in, Σ is a
   multiple of I and W is zero without loss. M drops out.
3. w = Wh/√(hᴴWh) is always enough: wwᴴ ⪯ W, and the user hears the same. W − wwᴴ, which he does
   not hear, is sent as noise, so no eavesdropper's SINR rises.
"""

import importlib
import math
import warnings
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Complex, Float

from jaxsec.checks import InputError


class Link(NamedTuple):
    """The user's channel and what is known of the eavesdroppers', over the noise."""

    h: Complex[np.ndarray, "M"]
    mean: Complex[np.ndarray, "L M"]
    error: Float[np.ndarray, "L"]
    """e, variance of every entry around the mean."""


class Design(NamedTuple):
    """What is sent, and what is promised of it."""

    w: Complex[np.ndarray, "M"]
    v: Complex[np.ndarray, "M M"]
    leak: float
    """γ, the SINR that eavesdroppers are granted."""
    rate: float
    """log2(1 + the user's SINR) − log2(1 + γ), bit/s/Hz."""


class Programme:
    """The programme for M antennas and L eavesdroppers, set up once.

    Raises:
      InputError: CVXPY is not installed.
    """

    def __init__(self, num_antennas: int, num_eavesdroppers: int) -> None:
        self._cp = cp = cvxpy()
        size = min(num_antennas, 1 + num_eavesdroppers)
        self._outside = num_antennas - size
        self._beam = cp.Variable((size, size), hermitian=True)
        self._noise = cp.Variable((size, size), hermitian=True)  # γΣ
        self._spread = cp.Variable(nonneg=True) if self._outside else cp.Constant(0.0)
        self._tau = cp.Variable(nonneg=True)
        self._per_leak, self._gain, self._root, self._sigma = (
            cp.Parameter(nonneg=True) for _ in range(4)
        )
        self._eves = [_Eavesdropper(cp, size) for _ in range(num_eavesdroppers)]
        power = cp.real(cp.trace(self._noise)) + self._outside * self._spread
        constraints = [
            self._beam >> 0,
            self._noise >> 0,
            cp.real(cp.trace(self._beam)) + self._per_leak * power <= self._tau,
            self._gain * cp.real(self._noise[0, 0]) + self._tau == 1,
        ]
        for eve in self._eves:
            constraints += self._safe(eve)
        self._problem = cp.Problem(cp.Maximize(cp.real(self._beam[0, 0])), constraints)

    def _safe(self, eve: "_Eavesdropper") -> list[Any]:
        """The inequality for one eavesdropper, divided by the power that it may receive."""
        cp, a, size = self._cp, self._noise - self._beam, self._beam.shape[0]
        s, t = cp.Variable(nonneg=True), cp.Variable(nonneg=True)
        trace = eve.error * (cp.real(cp.trace(a)) + self._outside * self._spread)
        mean = cp.real(cp.trace(eve.outer @ a)) + eve.leak * self._tau  # c
        inside = eve.error * cp.vec(a, order="F")
        beyond = math.sqrt(self._outside) * eve.error * self._spread
        return [
            trace - self._root * s - self._sigma * t + mean >= 0,
            cp.norm(cp.hstack([inside, beyond, (a @ eve.mean)[:, 0]])) <= s,
            t * np.eye(size) + eve.error * a >> 0,
        ]

    def __call__(self, link: Link, leak: float, probability: float) -> Design:
        """The design for γ = `leak` and ρ = `probability`; silence where the solver finds none."""
        basis = _basis(link, self._beam.shape[0])
        gain, sigma = float(np.linalg.norm(link.h) ** 2), -math.log(probability)
        self._per_leak.value, self._gain.value = 1.0 / leak, gain / leak
        self._root.value, self._sigma.value = math.sqrt(2.0 * sigma), sigma
        for eve, mean, error in zip(self._eves, link.mean, link.error, strict=True):
            eve.put(basis.conj().T @ mean, float(error), link.h.size, leak)
        if not self._solved():
            none = np.zeros((link.h.size, link.h.size), complex)
            return Design(none[0], none, leak, -math.log2(1.0 + leak))
        tau = float(self._tau.value)
        w = basis @ (self._beam.value / tau) @ basis.conj().T
        sigma_inside = basis @ (self._noise.value / (tau * leak)) @ basis.conj().T
        across = np.eye(link.h.size) - basis @ basis.conj().T
        return sent(link.h, w, sigma_inside + self._spread.value / (tau * leak) * across, leak)

    def _solved(self) -> bool:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Solution may be inaccurate")
            try:
                self._problem.solve(solver="CLARABEL")
            except self._cp.error.SolverError:
                return False
        return self._problem.status.startswith("optimal") and float(self._tau.value) > 0


class _Eavesdropper:
    """Parameters of one eavesdropper's inequality."""

    def __init__(self, cp: Any, size: int) -> None:
        self.error = cp.Parameter(nonneg=True)
        self.mean = cp.Parameter((size, 1), complex=True)  # √(2e)·m
        self.outer = cp.Parameter((size, size), hermitian=True)  # mmᴴ
        self.leak = cp.Parameter(nonneg=True)

    def put(self, mean: np.ndarray, error: float, num_antennas: int, leak: float) -> None:
        """Values, over the mean power of this eavesdropper's channel."""
        power = float(np.linalg.norm(mean) ** 2) + num_antennas * error
        self.error.value, self.leak.value = error / power, leak / power
        self.mean.value = math.sqrt(2.0 * error) / power * mean[:, None]
        outer = mean[:, None] * mean.conj() / power
        self.outer.value = 0.5 * (outer + outer.conj().T)


def _basis(link: Link, size: int) -> Complex[np.ndarray, "M S"]:
    """Orthonormal, of h and the means, with h along the first."""
    columns = np.concatenate([link.h[None], link.mean]).T
    basis = np.linalg.qr(columns, mode="complete")[0][:, :size]
    along = np.vdot(basis[:, 0], link.h)
    basis[:, 0] *= along / abs(along)
    return basis


def sent(
    h: Complex[np.ndarray, "M"],
    beam: Complex[np.ndarray, "M M"],
    noise: Complex[np.ndarray, "M M"],
    leak: float,
) -> Design:
    """One beam, and noise of the rest, within unit power, of covariances W and Σ (3)."""
    signal = np.vdot(h, beam @ h).real
    w = beam @ h / math.sqrt(signal) if signal > 0 else np.zeros_like(h)
    values, vectors = np.linalg.eigh(noise + beam - np.outer(w, w.conj()))
    v = vectors * np.sqrt(np.maximum(values, 0.0))
    power = np.linalg.norm(w) ** 2 + np.linalg.norm(v) ** 2
    w, v = (x / math.sqrt(max(power, 1.0)) for x in (w, v))
    sinr = abs(np.vdot(h, w)) ** 2 / (1.0 + np.linalg.norm(h.conj() @ v) ** 2)
    return Design(w, v, leak, math.log2((1.0 + sinr) / (1.0 + leak)))


def cvxpy() -> Any:
    """The modelling library, with the solver that comes with it.

    Raises:
      InputError: it is not installed.
    """
    try:
        return importlib.import_module("cvxpy")
    except ModuleNotFoundError:
        raise InputError(
            "cvxpy is missing: the semidefinite programme needs the extra `bench`, "
            "pip install 'jaxsec[bench]'"
        ) from None
