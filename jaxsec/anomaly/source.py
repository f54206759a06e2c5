"""What a detector learns from: clean images, by the name of their source.

A source has one task or several, each with a notion of its own of what is clean: of digits, one
(`digits`), or all but one (`digits-but-one`).
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Bool, Float, Key

from jaxsec import keys
from jaxsec.anomaly import snapshots, waterfalls
from jaxsec.learning import digits

NUM_TRAIN, NUM_HELD_OUT = 8192, 2048
"""Of radio data."""
HELD_OUT_SHARE = 0.1
"""Of digits."""


class Run(NamedTuple):
    """One of the trainings side by side."""

    seed: int
    task: int


class Clean(NamedTuple):
    """Images without an anomaly."""

    train: Float[np.ndarray, "N H W"]
    held_out: Float[np.ndarray, "n H W"]
    """Not trained on: their scores say what a threshold is worth."""

    @property
    def frame(self) -> Float[np.ndarray, "2"]:
        """Mean and standard deviation of the training images' pixels, which networks never see."""
        return np.asarray([self.train.mean(), self.train.std()], np.float32)


class Trial(NamedTuple):
    """What a detector is judged on; none of it has been trained on."""

    clean: Float[np.ndarray, "n H W"]
    attacked: dict[tuple[str, float | None], Float[np.ndarray, "m H W"]]
    """Images with an anomaly, by its kind and its strength in dB, None where it has none."""


class Source(NamedTuple):
    """Where images come from, clean and not."""

    num_tasks: int
    side: int
    """Pixels."""
    in_decibels: bool
    """Pixels are powers."""
    clean: Callable[[Run], Clean]
    """Those of a run."""
    trial: Callable[[Run, int, int], Trial]
    """Of a run, a seed and a number: as many images of each kind, or all that there are."""


def is_clean(labels: np.ndarray, task: int, *, but: bool) -> Bool[np.ndarray, " N"]:
    """Which digits are clean in a task: the digit itself, or all `but` it."""
    return (labels == task) != but


_split = functools.cache(digits.load)
"""Reading them takes a tenth of a second, and every task reads them."""


def _digits(*, but: bool) -> Source:
    def clean(run: Run) -> Clean:
        train = _split(run.seed)[0]
        images = train.images[is_clean(train.labels, run.task, but=but)]
        cut = round(HELD_OUT_SHARE * len(images))
        return Clean(images[cut:], images[:cut])

    def trial(run: Run, seed: int, n: int) -> Trial:
        del seed  # there are no others
        test = _split(run.seed)[1]
        good = is_clean(test.labels, run.task, but=but)
        return Trial(test.images[good][:n], {("digit", None): test.images[~good][:n]})

    return Source(10, 8, False, clean, trial)


def _radio(name: str, sample: Callable[..., Any], kinds: dict[Any, tuple[float, ...]]) -> Source:
    sample = jax.jit(sample, static_argnums=(1, 2))

    def clean(run: Run) -> Clean:
        images = np.asarray(sample(_key(run, name), NUM_TRAIN + NUM_HELD_OUT))
        return Clean(images[:NUM_TRAIN], images[NUM_TRAIN:])

    def trial(run: Run, seed: int, n: int) -> Trial:
        key = keys.step(_key(run, f"{name}/trial"), seed)

        def images(kind: str | None, ratio_db: float) -> np.ndarray:
            return np.asarray(sample(keys.stream(key, f"{kind}/{ratio_db}"), n, kind, ratio_db))

        attacked: dict[tuple[str, float | None], np.ndarray] = {
            (kind, ratio): images(kind, ratio) for kind, ratios in kinds.items() for ratio in ratios
        }
        return Trial(images(None, 0.0), attacked)

    return Source(1, 16, True, clean, trial)


def _key(run: Run, name: str) -> Key[Array, ""]:
    return keys.stream(run.seed, f"anomaly/{name}/{run.task}")


JAMMING_DB = (-25.0, -20.0, -15.0, -10.0, -5.0)
SPOOFING_DB = (-15.0, -10.0, -5.0, 0.0, 5.0)
SOURCES = {
    "waterfalls": _radio(
        "waterfalls", waterfalls.sample, dict.fromkeys(waterfalls.JAMMERS, JAMMING_DB)
    ),
    "snapshots": _radio("snapshots", snapshots.sample, {"spoofing": SPOOFING_DB}),
    "digits": _digits(but=False),
    "digits-but-one": _digits(but=True),
}
"""By name."""
