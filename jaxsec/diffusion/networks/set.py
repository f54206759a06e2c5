"""The set denoiser: a network that knows the symmetries of the table it denoises.

Exactly equivariant to the order of rows and of columns *of a kind* (users, eavesdroppers, beams are
told apart by features only), to a phase of every row and of every column, and to conjugation. So
nothing of the data is spent on learning them, and one network serves any number of rows and
columns.

Every entry carries complex channels x, which turn with its phases, and real channels s, which do
not. Linear maps of x have real weights without bias (conjugation); rows are mixed by the complex
relations given with the sample; products of two complex channels of an entry, one conjugated, make
real ones; real ones see sums over their row and column and make the gates of the complex ones.
"""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxsec.diffusion.condition import Condition
from jaxsec.diffusion.networks.embedding import time_features

POOL = 0.25
"""Scale of sums over a row or a column, which have about four to ten entries."""


@dataclasses.dataclass(frozen=True)
class SetSize:
    """Widths of the network."""

    num_layers: int = 6
    num_complex: int = 48
    num_real: int = 96
    num_hidden: int = 192


class SetDenoiser(nn.Module):
    """Noisy table, time and condition to a table."""

    size: SetSize

    @nn.compact
    def __call__(
        self, z: Float[Array, "B 2 R N"], t: Int[Array, "B"], condition: Condition
    ) -> Float[Array, "B 2 R N"]:
        size = self.size
        there = jnp.max(condition.mask, axis=1)[..., None]  # [B, R, N, 1]
        relations = _as_real(jnp.asarray(condition.relations))

        x = jnp.concatenate([z[..., None], condition.complex_entries], axis=-1)
        x = _mix("complex_in", size.num_complex)(x) * there[:, None]
        time = nn.silu(nn.Dense(size.num_real, name="time")(time_features(t, 64)))
        s = (
            nn.Dense(size.num_real, name="entries")(condition.entries)
            + nn.Dense(size.num_real, name="rows")(condition.rows)[:, :, None]
            + nn.Dense(size.num_real, name="columns")(condition.columns)[:, None]
        )
        for i in range(size.num_layers):
            x, s = Layer(size, name=f"layer_{i}")(x, s, time, there, relations)
        gate = nn.Dense(size.num_complex, name="gate_out")(_normalise("norm_out", s))
        small = nn.initializers.normal(1e-2)
        last = nn.Dense(1, use_bias=False, kernel_init=small, name="complex_out")
        out = last(_bound(x) * gate[:, None])[..., 0]
        return out * condition.mask


class Layer(nn.Module):
    """One round of mixing."""

    size: SetSize

    @nn.compact
    def __call__(self, x, s, time, there, relations):
        size = self.size
        num_batch, _, num_rows, num_columns, width = x.shape
        # Rows mixed by every relation: one real matrix product a sample.
        bounded = _bound(x)
        mixed = jnp.matmul(relations, bounded.reshape(num_batch, 2 * num_rows, num_columns * width))
        mixed = mixed.reshape(num_batch, -1, 2, num_rows, num_columns, width)
        seen = jnp.concatenate([bounded, *[mixed[:, q] for q in range(mixed.shape[1])]], axis=-1)
        # a, b and the update are three maps of the same channels.
        a, b, update = jnp.split(_mix("maps", 3 * width)(seen), 3, axis=-1)
        product = a[:, 0] * b[:, 0] + a[:, 1] * b[:, 1]
        power = jnp.square(update[:, 0]) + jnp.square(update[:, 1])
        invariant = jnp.concatenate([product, power], axis=-1)
        u = _normalise("norm", s)
        hidden = nn.Dense(size.num_hidden, use_bias=False, name="own")(
            jnp.concatenate([u, invariant], axis=-1)
        )
        row, column = POOL * jnp.sum(u * there, axis=2), POOL * jnp.sum(u * there, axis=1)
        hidden = (
            hidden
            + nn.Dense(size.num_hidden, use_bias=False, name="row")(row)[:, :, None]
            + nn.Dense(size.num_hidden, use_bias=False, name="column")(column)[:, None]
            + nn.Dense(size.num_hidden, name="time")(time)[:, None, None]
        )
        out = nn.Dense(size.num_real + width, name="out")(nn.silu(hidden))
        s = s + out[..., : size.num_real]
        gate = out[..., size.num_real :] * there
        return x + gate[:, None] * update, s


def _mix(name: str, width: int) -> nn.Dense:
    """A linear map of complex channels: real weights for both parts, no bias."""
    return nn.Dense(width, use_bias=False, name=name)


def _normalise(name: str, s: Array) -> Array:
    return nn.RMSNorm(name=name)(s)


def _bound(x: Float[Array, "B 2 R N C"]) -> Float[Array, "B 2 R N C"]:
    """Entries of size one at most; small ones stay as they are, and tell their size."""
    power = 2.0 * jnp.mean(jnp.square(x), axis=(1, 4), keepdims=True)
    return x * jax.lax.rsqrt(1.0 + power)


def _as_real(relations: Float[Array, "B Q 2 R R"]) -> Float[Array, "B S T"]:
    """[B, Q·2R, 2R]: complex matrices as real ones that act on [Re; Im]."""
    re, im = relations[:, :, 0], relations[:, :, 1]
    top, bottom = jnp.concatenate([re, -im], axis=-1), jnp.concatenate([im, re], axis=-1)
    both = jnp.stack([top, bottom], axis=2)  # [B, Q, 2, R, 2R]
    return both.reshape(both.shape[0], -1, both.shape[-1])
