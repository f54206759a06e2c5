"""Training of the coder, of the denoiser of its symbols, and of the decoders behind it.

Three stages, one after the other, as in T. Wu et al., CDDM, 2023: the coder with its decoder over
its channel; with the coder fixed, the denoiser and its control; with these fixed, four decoders
from where the coder's own stands, on the equalised symbols, on those of the denoiser's chain and of
its first call, and on the control's.

    stage = stages.STAGES["coder"]
    states = initial_states(config, stage, {}, all_images)
    states, loss = make_step(config, stage, {})(states, images)

Coders are trained for one channel and one signal-to-noise ratio each. All of these settings are
trained side by side: parameters lead with the axis S of settings.
"""

import dataclasses
import itertools
from collections.abc import Callable
from typing import Any, NamedTuple, get_args

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, Key

from jaxsec import checks, keys
from jaxsec.channel_denoising import levels
from jaxsec.channel_denoising.symbols.channel import Fading
from jaxsec.channel_denoising.symbols.networks import Decoder, Encoder, SymbolDenoiser
from jaxsec.learning import state as states
from jaxsec.learning.state import State

Params = dict[str, Any]
"""Parameters of networks by their names."""


@dataclasses.dataclass(frozen=True)
class Config:
    """Which channels, and how coders and denoisers are trained.

    Raises:
      InputError: a number is out of its range, or there is no such channel.
    """

    channels: tuple[Fading, ...] = ("awgn", "rayleigh")
    snrs_db: tuple[float, ...] = (5.0, 10.0, 20.0)
    num_symbols: int = 48
    """k, complex symbols an image: 2k real numbers for its 64 pixels."""
    replicas: int = 1
    """Trainings of each setting, by random numbers of their own."""
    width: int = 64
    """Of coder and decoder."""
    denoiser_width: int = 64
    num_layers: int = 2
    """Of the denoiser, residual."""
    chain_steps: int = 5
    """Calls of the denoiser."""
    num_steps: int = 7500
    """Of each stage."""
    batch_size: int = 64
    learning_rate: float = 1e-3
    """The largest, after the warm-up; then it falls as a cosine to a hundredth."""
    warmup_steps: int = 100
    max_gradient: float = 1.0
    """Norm that gradients are clipped to, those of each network apart."""
    ema: float = 0.995
    """Decay of the exponential moving average of the parameters, which is what is used."""
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("num_symbols", "replicas", "width", "denoiser_width", "num_layers",
                     "chain_steps", "num_steps", "batch_size"):  # fmt: skip
            checks.check_at_least(name, getattr(self, name), 1)
        states.check_settings(self.learning_rate, self.warmup_steps, self.max_gradient, self.ema)
        known = get_args(Fading)
        for name in self.channels:
            checks.require(
                name in known, f"`channels` must be of {', '.join(known)}, but has {name!r}"
            )
        for name in ("channels", "snrs_db"):
            checks.require(bool(getattr(self, name)), f"`{name}` must name at least one")
        levels.check_snr("snrs_db", np.asarray(self.snrs_db))

    @property
    def settings(self) -> list[tuple[Fading, float, int]]:
        """Channel, signal-to-noise ratio and replica of every one of S."""
        return list(itertools.product(self.channels, self.snrs_db, range(self.replicas)))


class Setting(NamedTuple):
    """The channel of one training, or of S."""

    key: Key[Array, "*S"]
    rayleigh: Float[Array, "*S"]
    """1 for fading, 0 for none."""
    variance: Float[Array, "*S"]
    """σ²."""
    first: Int[Array, "*S"]
    """Step where the chain begins."""


def settings_of(config: Config) -> Setting:
    """All settings, S leading."""
    found = config.settings
    names = [f"symbols/{name} {snr:g} dB {replica}" for name, snr, replica in found]
    snr_db = jnp.asarray([snr for _, snr, _ in found])
    return Setting(
        jnp.stack([keys.stream(config.seed, name) for name in names]),
        jnp.asarray([float(name == "rayleigh") for name, _, _ in found]),
        10.0 ** (-snr_db / 10.0),
        levels.entry(snr_db),
    )


class Nets(NamedTuple):
    """The networks of a configuration."""

    encoder: Encoder
    decoder: Decoder
    denoiser: SymbolDenoiser


def nets(config: Config) -> Nets:
    """Of its widths."""
    return Nets(
        Encoder(config.num_symbols, config.width),
        Decoder(config.width),
        SymbolDenoiser(config.denoiser_width, config.num_layers),
    )


Loss = Callable[[Config, Any, Params, Key[Array, ""], Setting, Array], Float[Array, ""]]
"""Of (config, parameters, those of earlier stages, key, setting, images)."""


class Stage(NamedTuple):
    """Networks that are trained at the same time, each for itself."""

    losses: dict[str, Loss]
    initial: Callable[[Config, Params, Array], Params]
    """Fresh parameters, S leading, of (config, parameters of earlier stages, all images)."""
    finish: Callable[[Config, Params, Array], Params] = lambda config, params, images: params
    """What is kept, of (config, trained parameters, all images)."""


def optimiser(config: Config) -> optax.GradientTransformation:
    """What moves the parameters of one network."""
    return states.adam(
        config.learning_rate, config.warmup_steps, config.num_steps, config.max_gradient
    )


def initial_states(
    config: Config, stage: Stage, fixed: Params, images: Float[np.ndarray, "N 64"]
) -> dict[str, State]:
    """Before the first step.

    Args:
      config: of the training.
      stage: what is trained.
      fixed: parameters of earlier stages.
      images: all that is trained on.
    """
    adam = optimiser(config)
    begin = jax.jit(jax.vmap(lambda params: states.initial(params, adam)))
    fresh = stage.initial(config, fixed, jnp.asarray(images))
    return {name: begin(params) for name, params in fresh.items()}


def make_step(config: Config, stage: Stage, fixed: Params) -> Callable[..., Any]:
    """A compiled step of all settings: (states, images) to (states, mean of all losses).

    It takes over the memory of the states it is given.
    """
    adam, settings = optimiser(config), settings_of(config)

    def one(
        state: dict[str, State], fixed: Params, setting: Setting, images: Array
    ) -> tuple[dict[str, State], Float[Array, ""]]:
        after, total = {}, jnp.zeros(())
        for name, loss in stage.losses.items():
            key = keys.step(keys.stream(setting.key, name), state[name].step)
            value, slope = jax.value_and_grad(
                lambda params, loss=loss, key=key: loss(config, params, fixed, key, setting, images)
            )(state[name].params)
            after[name] = states.advance(state[name], slope, adam, config.ema)
            total = total + value
        return after, total / len(stage.losses)

    def train(state: dict[str, State], images: Array) -> tuple[dict[str, State], Array]:
        after, value = jax.vmap(one, (0, 0, 0, None))(state, fixed, settings, images)
        return after, jnp.mean(value)

    return jax.jit(train, donate_argnums=0)


def batch(config: Config, images: Float[np.ndarray, "N 64"], stage: str, step: int) -> np.ndarray:
    """The images of a step, [B, 64]."""
    rng = keys.generator(config.seed, f"symbols/batches {stage}", step)
    return images[rng.integers(len(images), size=config.batch_size)]
