"""What denoising brings a source-channel coder: error of its symbols, PSNR of its images.

Every test image goes through the channel of every setting several times; all ways to treat the
symbols see the same noise and fading. Beside the trained ones is linear MMSE of the whole block,
symbols and image, which needs no training and no decoder.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from jaxsec import checks, keys
from jaxsec.channel_denoising.symbols import linear_code, source, stages, train, wiener
from jaxsec.channel_denoising.symbols.file import SymbolModel
from jaxsec.channel_denoising.symbols.stages import INPUTS
from jaxsec.channel_denoising.symbols.train import Config, Params, Setting
from jaxsec.report import statistics
from jaxsec.shapes import abs2

EQUALISER = "equaliser"
"""What all ways are compared with."""
WAYS = {
    "equaliser": "MMSE equaliser",
    "linear": "linear MMSE of the block",
    "chain": "denoiser's chain",
    "call": "its first call",
    "regressor": "one-shot control",
}


class Row(NamedTuple):
    """A way to treat symbols in one setting; intervals are half widths over images."""

    channel: str
    snr_db: float
    replica: int
    way: str
    error: float
    """Mean of |x̂ − x|² over the symbols' power."""
    error_ci95: float | None
    error_less: float
    """Mean of that below the equaliser's, on the same images, fading and noise."""
    error_less_ci95: float | None
    psnr_db: float
    """10·log10(1/mean squared error) behind this way's re-trained decoder, if it has one."""
    psnr_more_db: float
    """Above that of the decoder that was re-trained on the equaliser's symbols."""
    psnr_more_ci95: float | None
    """By the delta method, over images."""


class Measured(NamedTuple):
    """Means over passes through the channel, for each setting and image."""

    symbols: Float[Array, "S N"]
    """|x̂ − x|²."""
    pixels: Float[Array, "S N"]
    """Squared error of the decoded image."""


def judge(model: SymbolModel, *, passes: int, seed: int) -> list[Row]:
    """A row for every setting and way.

    Args:
      model: trained coders and denoisers.
      passes: of every test image through its channel.
      seed: of the channel.

    Raises:
      InputError: `passes` is below 1.
      MissingExtra: scikit-learn is not installed.
    """
    checks.check_at_least("passes", passes, 1)
    config = model.config
    training, images = (jnp.asarray(part) for part in source.images(config.seed))
    key = keys.stream(seed, "denoise/symbols")
    found = measure(config, model.params, key, training, images, passes)
    rows = []
    for i, (name, snr_db, replica) in enumerate(config.settings):
        plain = jax.tree.map(lambda x, i=i: np.asarray(x[i], np.float64), found[EQUALISER])
        for way, title in WAYS.items():
            ours = jax.tree.map(lambda x, i=i: np.asarray(x[i], np.float64), found[way])
            error = statistics.mean_ci(ours.symbols)
            less = statistics.paired_difference(plain.symbols, ours.symbols)
            psnr, more = gain_db(ours.pixels, plain.pixels)
            rows.append(Row(name, snr_db, replica, title, *error, *less, psnr, *more))
    return rows


def best_linear(config: Config) -> dict[float, float]:
    """PSNR of the best linear code without fading, by closed form, at each signal-to-noise ratio.

    For a source of the training images' covariance; in decibels.

    Raises:
      MissingExtra: scikit-learn is not installed.
    """
    training = jnp.asarray(source.images(config.seed)[0])
    error = jax.jit(
        lambda key, variance: linear_code.best(key, training, config.num_symbols, variance).error
    )
    key = jax.random.key(0)  # of the rotation, which changes no error
    return {snr: -10.0 * np.log10(float(error(key, 10 ** (-snr / 10)))) for snr in config.snrs_db}


def gain_db(ours: np.ndarray, theirs: np.ndarray) -> tuple[float, statistics.Mean]:
    """PSNR of the mean of `ours` [n], and how much it is above that of `theirs`, with its interval.

    To first order the gain's error is that of the ratio of means, in decibels.
    """
    ratio = statistics.ratio_of_means(ours, theirs)
    to_db = 10.0 / np.log(10.0)
    half = None if ratio.ci95 is None else to_db * ratio.ci95 / ratio.value
    psnr = -10.0 * np.log10(np.mean(ours))
    return float(psnr), statistics.Mean(float(10.0 * np.log10(1.0 / ratio.value)), half)


@functools.partial(jax.jit, static_argnums=(0, 5))
def measure(
    config: Config,
    params: Params,
    key: Key[Array, ""],
    training: Float[Array, "T 64"],
    images: Float[Array, "N 64"],
    passes: int,
) -> dict[str, Measured]:
    """Errors of every way, by its name. Compiled."""
    nets = train.nets(config)

    def once(
        params: Params, setting: Setting, moments: wiener.Moments, key: Key[Array, ""]
    ) -> dict[str, Measured]:
        x, noisy, nu = stages.receive(config, params, key, setting, images)
        shown: dict[str, Any] = {"linear": wiener.estimate(moments, noisy, nu)}
        for decoder, way in INPUTS.items():
            seen = stages.estimates(config, params, setting, noisy, nu, way)
            shown[way] = seen, nets.decoder.apply(params[decoder], seen, nu)
        return {
            way: Measured(
                jnp.mean(abs2(symbols - x), axis=-1), jnp.mean(jnp.square(got - images), axis=-1)
            )
            for way, (symbols, got) in shown.items()
        }

    def setting_of(params: Params, setting: Setting) -> dict[str, Measured]:
        x: Any = nets.encoder.apply(params["encoder"], training)
        moments = wiener.moments(training, x)
        several = jax.lax.map(
            lambda key: once(params, setting, moments, key), jax.random.split(key, passes)
        )
        return jax.tree.map(lambda x: jnp.mean(x, axis=0), several)

    return jax.vmap(setting_of)(params, train.settings_of(config))
