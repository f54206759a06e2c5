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

        given = jnp.concatenate([z[..., None], condition.complex_entries], axis=-1)
        given = given * there[:, None]
        first = Mix(size.num_complex, name="complex_in")
        x = first(given)
        time = nn.silu(nn.Dense(size.num_real, name="time")(time_features(t, 64)))
        s = (
            nn.Dense(size.num_real, name="entries")(condition.entries)
            + nn.Dense(size.num_real, name="rows")(condition.rows)[:, :, None]
            + nn.Dense(size.num_real, name="columns")(condition.columns)[:, None]
        )
        for i in range(size.num_layers):
            of = (given, first.variables["params"]["kernel"]) if i == 0 else None
            x, s = Layer(size, name=f"layer_{i}")(x, s, time, there, relations, of)
        gate = nn.Dense(size.num_complex, name="gate_out")(_normalise("norm_out", s))
        small = nn.initializers.normal(1e-2)
        last = nn.Dense(1, use_bias=False, kernel_init=small, name="complex_out")
        out = last(x * _bounding(x) * gate[:, None])[..., 0]
        return out * condition.mask


class Layer(nn.Module):
    """One round of mixing.

    Where x is a linear map of fewer channels, `of` has these and the map, and rows of them are
    mixed instead.
    """

    size: SetSize

    @nn.compact
    def __call__(self, x, s, time, there, relations, of=None):
        size = self.size
        width = x.shape[-1]
        few, kernel = (x, None) if of is None else of
        bounded = few * _bounding(x)
        seen = jnp.concatenate([bounded, *_mixed(relations, bounded)], axis=-1)
        # a, b and the update are three maps of the same channels.
        a, b, update = jnp.split(Mix(3 * width, name="maps")(seen, kernel), 3, axis=-1)
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


class Mix(nn.Module):
    """A linear map of complex channels: real weights for both parts, no bias."""

    width: int

    @nn.compact
    def __call__(
        self, x: Float[Array, "*any I"], before: Float[Array, "F G"] | None = None
    ) -> Float[Array, "*any W"]:
        """Of x, or of what the map `before` makes of each of the G channel blocks in x.

        Two maps in a row are one: where x has few channels, that is much less to compute.
        """
        num_channels = x.shape[-1]
        if before is not None:
            num_channels = num_channels // before.shape[0] * before.shape[1]
        init = nn.initializers.lecun_normal()
        kernel = self.param("kernel", init, (num_channels, self.width))
        if before is not None:
            kernel = kernel.reshape(-1, before.shape[1], self.width)
            kernel = jnp.matmul(before, kernel).reshape(-1, self.width)
        return jnp.matmul(x, kernel)


def _mixed(
    relations: Float[Array, "B S T"], x: Float[Array, "B 2 R N C"]
) -> list[Float[Array, "B 2 R N C"]]:
    """Rows mixed by every relation: one real matrix product a sample."""
    num_batch, _, num_rows, num_columns, width = x.shape
    mixed = jnp.matmul(relations, x.reshape(num_batch, 2 * num_rows, num_columns * width))
    mixed = mixed.reshape(num_batch, -1, 2, num_rows, num_columns, width)
    return [mixed[:, q] for q in range(mixed.shape[1])]


def _normalise(name: str, s: Array) -> Array:
    return nn.RMSNorm(name=name)(s)


def _bounding(x: Float[Array, "B 2 R N C"]) -> Float[Array, "B 1 R N 1"]:
    """Factors that make entries of size one at most; small ones stay as they are, and tell their
    size."""
    power = 2.0 * jnp.mean(jnp.square(x), axis=(1, 4), keepdims=True)
    return jax.lax.rsqrt(1.0 + power)


def _as_real(relations: Float[Array, "B Q 2 R R"]) -> Float[Array, "B S T"]:
    """[B, Q·2R, 2R]: complex matrices as real ones that act on [Re; Im]."""
    re, im = relations[:, :, 0], relations[:, :, 1]
    top, bottom = jnp.concatenate([re, -im], axis=-1), jnp.concatenate([im, re], axis=-1)
    both = jnp.stack([top, bottom], axis=2)  # [B, Q, 2, R, 2R]
    return both.reshape(both.shape[0], -1, both.shape[-1])
