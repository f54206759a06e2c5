"""The denoiser of CDM-MLP, P1's ablation: the table and all that is known, as one flat vector."""

import dataclasses
import math

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxsec.diffusion.condition import Condition
from jaxsec.diffusion.networks.embedding import time_features
from jaxsec.diffusion.networks.tokens import tokens

TIME = 64
"""Features of the time."""


@dataclasses.dataclass(frozen=True)
class MLPSize:
    """Size of the network."""

    num_parameters: int = 858_000
    """About so many: the width of the layers follows."""
    num_layers: int = 4
    """Residual blocks of two layers."""
    num_rows: int = 16
    num_columns: int = 10
    """The largest table."""


class MLP(nn.Module):
    """Noisy table, time and condition to a table."""

    size: MLPSize

    @nn.compact
    def __call__(
        self, z: Float[Array, "B 2 R N"], t: Int[Array, "B"], condition: Condition
    ) -> Float[Array, "B 2 R N"]:
        size = self.size
        batch, _, rows, columns = z.shape
        fill = ((0, 0), (0, 0), (0, size.num_rows - rows), (0, size.num_columns - columns))
        known, _ = tokens(condition, size.num_rows, size.num_columns)
        known = jnp.pad(known, ((0, 0), (0, size.num_rows - known.shape[1]), (0, 0)))
        table, mask = jnp.pad(z, fill), jnp.pad(jnp.asarray(condition.mask), fill)
        x = jnp.concatenate(
            [y.reshape(batch, -1) for y in (table, mask, known, time_features(t, TIME))], axis=-1
        )
        outputs = table[0].size
        width = _width(x.shape[-1], outputs, size)
        x = nn.Dense(width, name="first")(x)
        for i in range(size.num_layers):
            y = nn.silu(nn.Dense(width, name=f"up_{i}")(nn.LayerNorm(name=f"norm_{i}")(x)))
            x = x + nn.Dense(width, name=f"down_{i}")(y)
        zeros = nn.initializers.zeros
        x = nn.Dense(outputs, kernel_init=zeros, name="last")(nn.LayerNorm(name="norm_out")(x))
        return x.reshape(table.shape)[:, :, :rows, :columns] * condition.mask


def _width(inputs: int, outputs: int, size: MLPSize) -> int:
    """The width at which 2·layers·width² + (inputs + outputs)·width comes to the parameters."""
    a, b = 2 * size.num_layers, inputs + outputs
    return max(8, round((math.sqrt(b * b + 4 * a * size.num_parameters) - b) / (2 * a)))
