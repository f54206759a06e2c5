"""What a model of received-gain coordinates (`received`) is told about the channels."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxsec.cdm.coordinates import received
from jaxsec.cdm.coordinates.received import Frame
from jaxsec.diffusion.condition import Condition
from jaxsec.precoding.batched import algebra
from jaxsec.precoding.batched.algebra import SplitComplex
from jaxsec.precoding.batched.elimination import solve_hermitian

RIDGE = 0.02
"""Regularises the inverse of the correlation matrix of unit channels."""


def coordinate_mask(num_users: int, num_eves: int, num_noise_beams: int) -> np.ndarray:
    """[2, R, N]: 1 where a coordinate exists; own gains have no imaginary part."""
    mask = np.ones((2, num_users + num_eves, num_users + num_noise_beams), np.float32)
    np.fill_diagonal(mask[1, :num_users, :num_users], 0.0)
    return mask


def condition(frame: Frame, num_users: int, spread: Float[Array | np.ndarray, "R N"]) -> Condition:
    """From the channels' frame and the spread of every entry.

    The rows, receivers, are related by their correlation matrix ĥ_rᴴĥ_s and its regularised
    inverse; the reference's gains are features of the entries.
    """
    n, num_rows, num_columns = frame.gains.shape
    num_eves, num_noise_beams = num_rows - num_users, num_columns - num_users
    kind = np.eye(len(received.KINDS), dtype=np.float32)
    kind = kind[received.kinds(num_users, num_eves, num_noise_beams)]  # [R, N, kinds]
    h = algebra.split(frame.h)
    correlation = algebra.hermitian_product(h, algebra.transpose(h))  # [R, R, n]
    relations = stack([correlation, regularised_inverse(correlation)])  # [n, 2, 2, R, R]

    own = jnp.pad(relations[:, 0, :, :, :num_users], ((0, 0), (0, 0), (0, 0), (0, num_noise_beams)))
    reference = jnp.stack([frame.gains.real, frame.gains.imag], axis=1)
    size = np.sqrt(num_columns).astype(np.float32)
    complex_entries = jnp.stack([size * reference, own], axis=-1)
    scale = jnp.log(jnp.asarray(spread)) + 3.0
    entries = jnp.concatenate([jnp.asarray(kind), scale[..., None]], axis=-1)
    rows, columns = margins(frame.amplitude, num_users, num_noise_beams)
    mask = jnp.asarray(coordinate_mask(num_users, num_eves, num_noise_beams))
    return Condition(
        mask=jnp.broadcast_to(mask, (n, *mask.shape)),
        entries=jnp.broadcast_to(entries, (n, *entries.shape)),
        complex_entries=complex_entries,
        rows=rows,
        columns=columns,
        relations=relations,
        tokens=jnp.zeros((n, 0, 0)),
    )


def margins(
    amplitude: Float[Array, "n R"], num_users: int, num_noise_beams: int
) -> tuple[Float[Array, "n R 2"], Float[Array, "n N 2"]]:
    """Features of every receiver and of every beam: link SNR and what it is."""
    num_rows, num_columns = amplitude.shape[-1], num_users + num_noise_beams
    # Centred on P1's 50 dB; dead links stand at the lowest that is told apart.
    snr = jnp.log10(jnp.maximum(amplitude, 1e-2)) - 2.5
    is_user = jnp.asarray(np.arange(num_rows) < num_users, jnp.float32)
    rows = jnp.stack([snr, jnp.broadcast_to(is_user, snr.shape)], axis=-1)
    owner = jnp.pad(snr[:, :num_users], ((0, 0), (0, num_noise_beams)))
    is_beam = jnp.asarray(np.arange(num_columns) < num_users, jnp.float32)
    columns = jnp.stack([owner, jnp.broadcast_to(is_beam, owner.shape)], axis=-1)
    return rows, columns


def regularised_inverse(correlation: SplitComplex) -> SplitComplex:
    """(C + ridge·I)⁻¹ with its diagonal scaled to 1; [R, R, n]."""
    size = correlation.shape[0]
    eye = jnp.eye(size, dtype=correlation.re.dtype)[..., None]
    ridge = jnp.full_like(correlation.re[0, 0], RIDGE)
    identity = jnp.broadcast_to(eye, correlation.shape)
    inverse = solve_hermitian(
        SplitComplex(correlation.re + RIDGE * eye, correlation.im),
        SplitComplex(identity, jnp.zeros_like(identity)),
        ridge,
    )
    level = jax.lax.rsqrt(jnp.einsum("rrn->rn", inverse.re))
    return inverse.scale(level[:, None] * level[None])


def stack(matrices: list[SplitComplex]) -> Float[Array, "n Q 2 R R"]:
    """Matrices [R, R, n] as the relations of a condition."""
    parts = jnp.stack([jnp.stack([m.re, m.im]) for m in matrices])  # [Q, 2, R, R, n]
    return jnp.moveaxis(parts, -1, 0)
