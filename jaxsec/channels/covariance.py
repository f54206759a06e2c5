"""Errors that have directions: a covariance for a link, from the sector that its energy comes from.

A `Posterior` holds a root S of the covariance C = SSᴴ, so that mean + S·z, z of CN(0, 1) entries,
is a channel that may be the true one.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Inexact

from jaxsec import checks
from jaxsec.channels.array import steering_vector
from jaxsec.channels.knowledge import Posterior
from jaxsec.channels.scenario import Antennas
from jaxsec.shapes import AnyArray

TOLERANCE = 1e-4
"""Of a covariance's asymmetry, and of its eigenvalues below zero, in its largest entry."""


def statistical(
    h_user: Complex[AnyArray, "... K M"],
    h_eve: Complex[AnyArray, "... L M"],
    *,
    covariance_user: Inexact[AnyArray, "..."] | None = None,
    covariance_eve: Inexact[AnyArray, "..."] | None = None,
    error_user: Inexact[AnyArray, "..."] | None = None,
    error_eve: Inexact[AnyArray, "..."] | None = None,
) -> Posterior:
    """What is known of channels whose means are given, and their covariances.

    >>> user, nowhere = jnp.ones((1, 4), complex), jnp.zeros((1, 4), complex)
    >>> sector = angular_sector(4, centre_deg=30.0, width_deg=20.0)
    >>> known = statistical(user, nowhere, covariance_eve=sector[None])
    >>> float(known.error_user[0]), round(float(known.error_eve[0]), 3), known.root_eve.shape
    (0.0, 1.0, (1, 4, 4))

    Args:
      h_user: means of the users' channels as rows, [..., K, M]; zero where only statistics are
        known.
      h_eve: of the eavesdroppers', [..., L, M].
      covariance_user: E[(h − mean)(h − mean)ᴴ] of every link, [..., K, M, M], concrete.
      covariance_eve: the same, [..., L, M, M].
      error_user: instead of a covariance, the variance of every antenna's entry, [..., K]; without
        either, users' channels are known exactly.
      error_eve: the same, [..., L].

    Returns:
      Means, errors and roots of the covariances.

    Raises:
      InputError: a shape or dtype is wrong, both are given for the same links, or a covariance is
        not finite, Hermitian and without negative eigenvalues, up to rounding.
    """
    checks.check_channels(h_user, h_eve)
    variance_user, root_user = _links("user", h_user, covariance_user, error_user)
    variance_eve, root_eve = _links("eve", h_eve, covariance_eve, error_eve)
    return Posterior(h_user, h_eve, variance_user, variance_eve, root_user, root_eve)


def _links(name: str, h: Any, covariance: Any, error: Any) -> tuple[Any, Any]:
    """Variances and, of a covariance, the root of every link."""
    if covariance is None:
        error = np.zeros(h.shape[:-1], h.real.dtype) if error is None else error
        checks.check_error(f"error_{name}", error, h.shape[:-1])
        return error, None
    checks.require(
        error is None, f"`error_{name}` must be left out where `covariance_{name}` is given"
    )
    return root(f"covariance_{name}", covariance, (*h.shape, h.shape[-1]))


def root(name: str, covariance: Any, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Mean variances [..., R] and Hermitian roots [..., R, M, M] of covariances.

    Args:
      name: of the argument, for errors.
      covariance: concrete.
      shape: that it must have.

    Raises:
      InputError: it is not a finite covariance of this shape.
    """
    checks.require(
        np.shape(covariance) == shape,
        f"`{name}` must have shape {shape}, a matrix for each link, but has shape "
        f"{np.shape(covariance)}",
    )
    given: Any = np.asarray(covariance)
    checks.require(
        given.dtype.kind in "fc", f"`{name}` must be real or complex, but has dtype {given.dtype}"
    )
    checks.check_finite(name, given)
    c = given.astype(np.complex128)
    adjoint = np.swapaxes(c.conj(), -1, -2)
    largest = np.max(np.abs(c), axis=(-2, -1), initial=0.0)[..., None]
    skew = np.max(np.abs(c - adjoint), axis=(-2, -1), initial=0.0)[..., None]
    _require_all(name, skew <= TOLERANCE * largest, "be Hermitian")
    values, vectors = np.linalg.eigh(0.5 * (c + adjoint))
    _require_all(name, values >= -TOLERANCE * largest, "have no negative eigenvalue")
    values = np.maximum(values, 0.0)
    roots = vectors * np.sqrt(values)[..., None, :] @ np.swapaxes(vectors.conj(), -1, -2)
    real = given.real.dtype
    return np.mean(values, axis=-1).astype(real), roots.astype(np.result_type(real, np.complex64))


def _require_all(name: str, fits: np.ndarray, wanted: str) -> None:
    if not fits.all():
        first = tuple(int(i) for i in np.argwhere(~fits)[0][:-1])
        raise checks.InputError(f"`{name}` must {wanted}, but its matrix at index {first} does not")


def angular_sector(
    num_antennas: int,
    centre_deg: float,
    width_deg: float,
    *,
    array: Antennas = "linear",
    elevation_deg: float = 0.0,
) -> Complex[Array, "M M"]:
    """Covariance of a link of unit power whose energy comes evenly from a sector of azimuths.

    (1/Δ)·∫ a(φ)a(φ)ᴴ dφ over φ within Δ/2 of the centre, a the array's response: the one-ring model
    (A. Adhikary, J. Nam, J.-Y. Ahn, G. Caire, Joint Spatial Division and Multiplexing, IEEE TIT
    2013, (4)), by Gauss-Legendre quadrature.

    >>> narrow, all_round = (angular_sector(4, 30.0, width) for width in (0.1, 360.0))
    >>> jnp.abs(narrow).min() > 0.99, bool(jnp.abs(all_round[0, 1]) < 0.5)
    (Array(True, dtype=bool), True)

    Args:
      num_antennas: M, half a wavelength apart.
      centre_deg: azimuth from the broadside.
      width_deg: Δ, above 0 and at most 360.
      array: linear or planar.
      elevation_deg: of the sector.

    Returns:
      [M, M], with ones on the diagonal; times gain² it is a link's.

    Raises:
      InputError: `width_deg` is out of range, or there is no antenna.
    """
    checks.check_at_least("num_antennas", num_antennas, 1)
    checks.require(
        0.0 < width_deg <= 360.0, f"`width_deg` must lie in (0, 360], but is {width_deg}"
    )
    node, weight = np.polynomial.legendre.leggauss(16 + 4 * num_antennas)
    azimuth = jnp.asarray(np.deg2rad(centre_deg + 0.5 * width_deg * node))
    elevation = jnp.full_like(azimuth, np.deg2rad(elevation_deg))
    response = steering_vector(azimuth, elevation, num_antennas, array)
    return jnp.einsum("s,sm,sn->mn", jnp.asarray(0.5 * weight), response, response.conj())
