"""Links of clustered multipath, what pilots tell of them, and the linear estimate.

A pilot of unit energy over a link h of M antennas gives y = h + n, n ~ CN(0, σ²·I), which is the
least-squares estimate. Links here have unit mean power, E|h_m|² = 1, over draws of positions,
clusters and rays: the large-scale gain is known and divided out, the gain of the single link that
fading leaves is not. The pilots' signal-to-noise ratio is 1/σ².

With C = E[hhᴴ] the linear estimate of least squared error is C(C + σ²I)⁻¹y (S. M. Kay,
Fundamentals of Statistical Signal Processing: Estimation Theory, 1993, (12.6)).
"""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float, Key

from jaxsec.channels import Scenario, fade, large_scale_gain, sample_geometry


def sample_links(key: Key[Array, ""], scenario: Scenario, n: int) -> Complex[Array, "n M"]:
    """Independent links of unit mean power: what is drawn for one user without eavesdroppers.

    Args:
      key: consumed once.
      scenario: antennas, fading and clusters; its receivers are not heeded.
      n: number of links.
    """
    key_places, key_fading = jax.random.split(key)
    alone = dataclasses.replace(scenario, num_users=1, num_eavesdroppers=0)
    places = sample_geometry(key_places, alone, n)
    h = fade(key_fading, alone, places).h_user
    return jnp.asarray(h / large_scale_gain(places.users, alone)[..., None])[:, 0]


def observe(
    key: Key[Array, ""], h: Complex[Array, "*B M"], noise: Float[Array, "*B"]
) -> Complex[Array, "*B M"]:
    """Pilots y = h + n, n ~ CN(0, σ²·I).

    Args:
      key: consumed once.
      h: links.
      noise: σ² of each.
    """
    return h + jnp.sqrt(noise)[..., None] * jax.random.normal(key, h.shape, h.dtype)


def covariance(h: Complex[Array, "n M"]) -> Complex[Array, "M M"]:
    """Mean of hhᴴ."""
    return jnp.einsum("ni,nj->ij", h, h.conj(), precision="highest") / h.shape[0]


def linear(
    y: Complex[Array, "n M"], noise: Float[Array, "n"], c: Complex[Array, "M M"]
) -> tuple[Complex[Array, "n M"], Complex[Array, "n M M"]]:
    """The linear estimate C(C + σ²I)⁻¹y, and σ²·C(C + σ²I)⁻¹, its error's covariance.

    Args:
      y: pilots.
      noise: σ² of each.
      c: covariance of the links.
    """
    value, vector = jnp.linalg.eigh(c)
    share = value[None] / (value[None] + noise[:, None])  # [n, M]
    wiener = jnp.einsum("im,nm,jm->nij", vector, share, vector.conj(), precision="highest")
    mean = jnp.einsum("nij,nj->ni", wiener, y, precision="highest")
    return mean, noise[:, None, None] * wiener
