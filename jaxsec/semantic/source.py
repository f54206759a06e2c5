"""The source: handwritten digits, drawn in a colour and a thickness that must stay secret.

What Bob wants is the picture. What Eve must not learn is which of nine classes it is of: three
colours by three thicknesses, drawn at random whatever the digit, so that nothing but the picture
tells of them.

Shapes: B pictures, S seeds, N digits, P = 16·16 pixels, V = 3P values of a picture.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxsec import keys
from jaxsec.learning import digits

SIDE = 16
LEVELS = (0.75, 0.45, 0.15)
"""Thin, medium and thick: how dark the paper must be, of 1, to be drawn as ink."""
EDGE = 0.25
"""Darkness over which paper turns to ink: strokes have soft edges."""
NUM_COLOURS = 3
NUM_CLASSES = NUM_COLOURS * len(LEVELS)
PICTURE = (SIDE, SIDE, NUM_COLOURS)
NUM_VALUES = SIDE * SIDE * NUM_COLOURS


class Source(NamedTuple):
    """Digits in every thickness, to be coloured."""

    ink: Float[np.ndarray, "N 3 P"]
    """0 (paper) to 1 (ink), thin to thick."""
    labels: Int[np.ndarray, " N"]
    """Which digit: what Bob's picture shows, and no secret."""


class Batch(NamedTuple):
    """Pictures with what is secret of them."""

    pictures: Float[Array | np.ndarray, "*B V"]
    """Pixel by pixel, red, green and blue."""
    secret: Int[Array | np.ndarray, "*B"]
    """Colour · 3 + thickness."""


def load(seed: int = 0) -> tuple[Source, Source]:
    """Digits to train on and digits to test on, drawn in three thicknesses.

    Args:
      seed: of the split.

    Returns:
      1,348 digits to train on, 449 to test on.

    Raises:
      MissingExtra: scikit-learn is not installed.

    Example:
      >>> train, test = load()
      >>> train.ink.shape, test.ink.shape
      ((1348, 3, 256), (449, 3, 256))
    """
    train, test = digits.load(seed)
    return Source(draw(train.images), train.labels), Source(draw(test.images), test.labels)


def draw(images: Float[np.ndarray, "N 8 8"]) -> Float[np.ndarray, "N 3 P"]:
    """Level sets of the enlarged images: the lower the level, the thicker the stroke."""
    large = jax.image.resize(images, (len(images), SIDE, SIDE), "cubic")
    levels = jnp.asarray(LEVELS)[None, :, None, None]
    ink = jnp.clip(0.5 + (large[:, None] - levels) / EDGE, 0.0, 1.0)
    return np.asarray(ink.reshape(len(images), len(LEVELS), SIDE * SIDE))


def paint(source: Source, index: Int[np.ndarray, "*B"], secret: Int[np.ndarray, "*B"]) -> Batch:
    """These digits, each of its secret class."""
    colour, thickness = np.divmod(secret, len(LEVELS))
    ink = source.ink[index, thickness]
    paints = np.eye(NUM_COLOURS, dtype=np.float32)[colour]
    pictures = ink[..., :, None] * paints[..., None, :]
    return Batch(pictures.reshape(*index.shape, NUM_VALUES), secret.astype(np.int32))


def sample(source: Source, generator: np.random.Generator, size: int) -> Batch:
    """Digits and classes at random, independent of each other, [size]."""
    index = generator.integers(len(source.ink), size=size)
    return paint(source, index, generator.integers(NUM_CLASSES, size=size))


def sample_step(source: Source, seeds: tuple[int, ...], step: int, size: int) -> Batch:
    """The batch of a step of training, [size, S]: every seed has its own."""
    drawn = [sample(source, keys.generator(seed, "semantic/batch", step), size) for seed in seeds]
    return Batch(*(np.stack(parts, axis=1) for parts in zip(*drawn, strict=True)))


def everything(source: Source) -> Batch:
    """Every digit in every class, [N·9]: classes run fastest."""
    count = len(source.ink)
    index, secret = np.divmod(np.arange(count * NUM_CLASSES), NUM_CLASSES)
    return paint(source, index, secret)
