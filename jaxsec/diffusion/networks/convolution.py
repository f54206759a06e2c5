"""Convolution of tiny images, by whatever is fast for their size.

XLA's CPU convolution collapses on images of a few pixels. There the same sums are matrix products:
of gathered 3×3 patches, or, where a kernel sees the whole image, of all pixels with all pixels.
`benchmarks.speed.denoiser` measures what it gains.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

SIDE = 3
"""Pixels a side of a kernel."""
WHOLE_IMAGE = 4
"""Pixels of an image up to which all are mixed with all."""
PATCHES = 64
"""Pixels up to which patches are gathered. At 8×8 XLA's convolution is faster, but not inside a
loop, as in every sampler: there it is several times slower."""


class Conv(nn.Module):
    """A 3×3 convolution, stride 1, zeros around the image: [B, H, W, C] to [B, H, W, features]."""

    features: int
    kernel_init: nn.initializers.Initializer = nn.initializers.lecun_normal()

    @nn.compact
    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B H W features"]:
        kernel = self.param("kernel", self.kernel_init, (SIDE, SIDE, x.shape[-1], self.features))
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        small = x.shape[1] * x.shape[2]
        cpu = mix if small <= WHOLE_IMAGE else gather if small <= PATCHES else convolve
        out = jax.lax.platform_dependent(x, kernel, cpu=cpu, default=convolve)
        return out + bias[None, None, None]


def convolve(x: Float[Array, "B H W C"], kernel: Float[Array, "3 3 C F"]) -> Array:
    """By XLA's convolution."""
    layout = jax.lax.conv_dimension_numbers(x.shape, kernel.shape, ("NHWC", "HWIO", "NHWC"))
    return jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=layout)


def gather(x: Float[Array, "B H W C"], kernel: Float[Array, "3 3 C F"]) -> Array:
    """As one matrix product of the patch around every pixel."""
    height, width = x.shape[1:3]
    around = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    patches = [around[:, i : i + height, j : j + width] for i in range(SIDE) for j in range(SIDE)]
    return jnp.concatenate(patches, axis=-1) @ kernel.reshape(-1, kernel.shape[-1])


def mix(x: Float[Array, "B H W C"], kernel: Float[Array, "3 3 C F"]) -> Array:
    """As one matrix product of all pixels with all pixels; without the zeros around the image."""
    batch, height, width, _ = x.shape
    at = [(i, j) for i in range(height) for j in range(width)]
    nothing = jnp.zeros(kernel.shape[2:], kernel.dtype)

    def weight(source: tuple[int, int], target: tuple[int, int]) -> Array:
        i, j = (s - t + 1 for s, t in zip(source, target, strict=True))
        return kernel[i, j] if 0 <= i < SIDE and 0 <= j < SIDE else nothing

    matrix = jnp.concatenate(
        [jnp.concatenate([weight(source, target) for target in at], axis=1) for source in at]
    )
    return (x.reshape(batch, -1) @ matrix).reshape(batch, height, width, -1)
