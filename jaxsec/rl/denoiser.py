"""What diffusion policies are made of: features of a state, and a head that denoises with them.

Both come flat, or keeping to the symmetries of an observation that is a table
(`jaxsec.rl.equivariant`). Then features belong to columns, and noise that is permuted with the
columns is denoised to the same actions, permuted with them.

Shapes: B states, C columns, A = C entries of an action, W features, S of a time embedding.
"""

import flax.linen as nn
from jaxtyping import Array, Float

from jaxsec.rl.equivariant import Columns, mean_and_max
from jaxsec.rl.layout import Layout
from jaxsec.rl.networks import TIME_SIZE, Head, Mlp, Trunk, mish


class ColumnHead(nn.Module):
    """What a denoiser predicts in every column, from its noisy entry, the time and its features.

    What a column makes of these, the others see as means and maxima over columns. The part of the
    features, `read`, is computed once a chain.
    """

    width: int

    def setup(self) -> None:
        self.read_features = nn.Dense(self.width)
        self.read_action = nn.Dense(self.width, use_bias=False)
        self.time = Mlp((2 * TIME_SIZE, TIME_SIZE), mish)
        self.read_time = nn.Dense(self.width, use_bias=False)
        self.own = nn.Dense(self.width)
        self.others = nn.Dense(self.width, use_bias=False)
        self.out = nn.Dense(1)

    def read(self, features: Float[Array, "B C W"]) -> Float[Array, "B C W"]:
        return self.read_features(features)

    def predict(
        self, x: Float[Array, "B C"], time: Float[Array, "#B S"], read: Float[Array, "B C W"]
    ) -> Float[Array, "B C"]:
        now = self.read_time(self.time(time))[:, None]
        first = mish(read + self.read_action(x[..., None]) + now)
        others = self.others(mean_and_max(first, axis=1))[:, None]
        return self.out(mish(self.own(first) + others))[..., 0]

    def __call__(
        self, x: Float[Array, "B C"], time: Float[Array, "#B S"], features: Float[Array, "B C W"]
    ) -> Float[Array, "B C"]:
        return self.predict(x, time, self.read(features))


def trunk(width: int, layout: Layout | None) -> Trunk | Columns:
    """Features of a state, or of its columns."""
    return Trunk(width, mish) if layout is None else Columns(layout, width)


def head(action_size: int, width: int, layout: Layout | None) -> Head | ColumnHead:
    """What predicts from a noisy action, its time and these features."""
    return Head(action_size, width, mish) if layout is None else ColumnHead(width)


def pooled(features: Float[Array, "B *F"], layout: Layout | None) -> Float[Array, "B G"]:
    """Features of a state as a whole, the same whatever order its columns have."""
    return features if layout is None else mean_and_max(features, axis=1)
