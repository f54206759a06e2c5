"""From an image to a score, and from a score to an alarm with a stated false-alarm probability.

The threshold is the score of rank ⌈(n + 1)(1 − p)⌉ among those of n clean images that were held out
of the training. A further clean image is as likely to take any rank among them, so that it raises
an alarm with a probability of at most p, and at least p − 1/(n + 1), whatever the scores'
distribution (V. Vovk, A. Gammerman and G. Shafer, Algorithmic Learning in a Random World, 2005).
"""

import functools
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float, Int

from jaxsec import checks
from jaxsec.anomaly.networks import Mixture, Passed
from jaxsec.anomaly.train import distances
from jaxsec.learning import experts

CHUNK = 512
"""Images that are scored at once, at most; a power of two."""


class Scores(NamedTuple):
    """What speaks for an anomaly, image by image."""

    reconstruction: Float[np.ndarray, " n"]
    """How far an image is from its reconstruction."""
    latent: Float[np.ndarray, " n"]
    """How far the code of the reconstruction is from that of the image."""
    expert: Int[np.ndarray, " n"]
    """Whom the gate has selected."""

    @property
    def total(self) -> Float[np.ndarray, " n"]:
        """The score: the sum of both."""
        return self.reconstruction + self.latent


class Detector(NamedTuple):
    """A trained mixture, and what it takes clean images for."""

    network: Mixture
    params: Any
    frame: Float[np.ndarray, "2"]
    """Mean and standard deviation of the pixels it was trained on."""
    held_out: Float[np.ndarray, " n"]
    """Scores of clean images it was not trained on."""

    def explain(self, images: ArrayLike) -> Scores:
        """What speaks for an anomaly, in parts.

        Args:
          images: [N, side, side], of the source it was trained on, such as waterfalls in dB.

        Raises:
          InputError: they are not of the detector's side, or not finite.
        """
        return Scores(*self._through(images)[:3])

    def reconstruct(self, images: ArrayLike) -> Float[np.ndarray, "N side side"]:
        """What the selected expert makes of each image; raises as `explain` does."""
        return self._through(images)[3] * self.frame[1] + self.frame[0]

    def score(self, images: ArrayLike) -> Float[np.ndarray, " N"]:
        """How far images are from clean ones: the more, the further. Raises as `explain` does."""
        return self.explain(images).total

    def threshold(self, false_alarm: float = 0.01) -> float:
        """The score above which to raise an alarm.

        Args:
          false_alarm: probability p of an alarm for a clean image.

        Raises:
          InputError: it is not below 1, or too small for as many held-out images as there are.
        """
        n = len(self.held_out)
        checks.require(
            1 / (n + 1) <= false_alarm < 1,
            f"`false_alarm` must lie between 1/{n + 1}, since there are {n} held-out images, and "
            f"1, but is {false_alarm}",
        )
        rank = math.ceil((n + 1) * (1 - false_alarm) - 1e-9)  # of a product that rounds up
        return float(np.sort(self.held_out)[rank - 1])

    def alarm(self, images: ArrayLike, false_alarm: float = 0.01) -> Bool[np.ndarray, " N"]:
        """Which images are no clean ones; arguments and errors of `score` and `threshold`."""
        return self.score(images) > self.threshold(false_alarm)

    def _through(self, images: ArrayLike) -> list[np.ndarray]:
        side = self.network.side
        given = np.asarray(images, np.float32)
        checks.require(
            given.ndim == 3 and given.shape[1:] == (side, side) and len(given) > 0,
            f"`images` must have shape [N, {side}, {side}], N from 1, but has shape {given.shape}",
        )
        checks.check_finite("images", given)
        standard = (given - self.frame[0]) / self.frame[1]
        # A power of two, so that few programs serve all numbers of images.
        rows = min(CHUNK, 1 << (len(given) - 1).bit_length())
        chunks = [standard[i : i + rows] for i in range(0, len(given), rows)]
        chunks[-1] = np.pad(chunks[-1], ((0, rows - len(chunks[-1])), (0, 0), (0, 0)))
        parts = [_through(self.network, self.params, chunk) for chunk in chunks]
        return [np.concatenate(part)[: len(given)] for part in zip(*parts, strict=True)]


@functools.partial(jax.jit, static_argnums=0)
def _through(
    net: Mixture, params: Any, images: Float[Array, "B H W"]
) -> tuple[Float[Array, "B"], Float[Array, "B"], Int[Array, "B"], Float[Array, "B H W"]]:
    """Both parts of the score, the selected expert, and its reconstruction."""
    still = jnp.zeros((net.num_experts, len(images), net.latent))
    passed: Passed = net.apply({"params": params}, images, still)  # pyright: ignore
    selected = experts.route(passed.logits, 1).selected
    reconstruction, latent = distances(passed, images)
    flat = passed.reconstruction.reshape(net.num_experts, len(images), -1)
    chosen = experts.combine(
        selected, jnp.concatenate([reconstruction[..., None], latent[..., None], flat], axis=-1)
    )
    expert = jnp.argmax(selected, axis=-1)
    return chosen[:, 0], chosen[:, 1], expert, chosen[:, 2:].reshape(images.shape)
