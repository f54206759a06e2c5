"""A secrecy strategy: what every designer returns."""

from typing import NamedTuple

from jaxtyping import Array, Complex


class Strategy(NamedTuple):
    """Beams and artificial noise as columns, with ‖w‖² + ‖v‖² ≤ 1 in units of P (P1 (8))."""

    w: Complex[Array, "... M K"]
    v: Complex[Array, "... M J"]
