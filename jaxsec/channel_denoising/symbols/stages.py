"""The three stages of the training: what each network learns, and from where it begins."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float, Int, Key

from jaxsec import keys
from jaxsec.channel_denoising import levels
from jaxsec.channel_denoising.symbols import channel, linear_code
from jaxsec.channel_denoising.symbols.networks import to_complex, to_real
from jaxsec.channel_denoising.symbols.train import (
    Config,
    Params,
    Setting,
    Stage,
    nets,
    settings_of,
)
from jaxsec.shapes import abs2

INPUTS = {
    "decoder": "equaliser",
    "decoder_chain": "chain",
    "decoder_call": "call",
    "decoder_once": "regressor",
}
"""What each of the re-trained decoders decodes."""
ONE_CALL = {"call": "denoiser", "regressor": "regressor"}
"""Ways of a single call, and the network that is called."""


def receive(
    config: Config, params: Params, key: Key[Array, ""], setting: Setting, images: Array
) -> tuple[Complex[Array, "B k"], Complex[Array, "B k"], Float[Array, "B k"]]:
    """Symbols x, those received over W_s, x + √ν·ε, and ν = σ²/|h|².

    Args:
      params: those of the coder.
    """
    key_gain, key_noise = jax.random.split(key)
    x = jnp.asarray(nets(config).encoder.apply(params["encoder"], images))
    h = channel.gains(key_gain, x.shape, setting.rayleigh)
    got = channel.transmit(key_noise, x, h, setting.variance)
    return x, got.y / got.signal, setting.variance / abs2(h)


def estimates(
    config: Config,
    params: Params,
    setting: Setting,
    noisy: Complex[Array, "B k"],
    nu: Float[Array, "B k"],
    wanted: str,
) -> Complex[Array, "B k"]:
    """Symbols as the equaliser leaves them, the denoiser's chain or its first call, or the control.

    Args:
      params: of the denoiser and the control.
      noisy: symbols received over W_s.
      nu: σ²/|h|².
      wanted: one of `INPUTS`' values.
    """
    if wanted == "equaliser":
        return noisy / (1.0 + nu)  # W_s·(x + √ν·ε)
    denoiser = nets(config).denoiser
    if wanted in ONE_CALL:
        return jnp.asarray(denoiser.apply(params[ONE_CALL[wanted]], noisy, nu))
    relative = nu / setting.variance  # 1/|h|²

    def predict(z: Float[Array, "B K2"], t: Int[Array, "B"]) -> Float[Array, "B K2"]:
        alpha_bar = jnp.asarray(levels.SCHEDULE.alpha_bar, jnp.float32)[t][:, None]
        noise = relative * (1.0 - alpha_bar) / alpha_bar
        seen = to_complex(z) / jnp.sqrt(alpha_bar)
        return to_real(jnp.asarray(denoiser.apply(params["denoiser"], seen, noise)))

    z = to_real(noisy) / jnp.sqrt(1.0 + setting.variance)
    steps = config.chain_steps
    return to_complex(levels.denoise(predict, z, setting.first, steps, prediction="start"))


def coder_loss(
    config: Config, params: Any, fixed: Params, key: Key[Array, ""], setting: Setting, images: Array
) -> Float[Array, ""]:
    """Mean squared error of the image behind the channel, the batch's symbols of mean power 1."""
    del fixed
    params = unit_power(config, params, images)
    _, noisy, nu = receive(config, params, key, setting, images)
    seen = estimates(config, params, setting, noisy, nu, "equaliser")
    shown = jnp.asarray(nets(config).decoder.apply(params["decoder"], seen, nu))
    return jnp.mean(jnp.square(shown - images))


def denoiser_loss(
    config: Config, params: Any, fixed: Params, key: Key[Array, ""], setting: Setting, images: Array
) -> Float[Array, ""]:
    """Squared error of x at a random step of the chain, P1 (14), (18).

    All symbols' errors count alike, as they do in what is wanted. Over its own noise, a symbol that
    is heard well would count as much as one in a deep fade, where there is something to find.
    """
    key_gain, key_time, key_noise = jax.random.split(key, 3)
    x = jnp.asarray(nets(config).encoder.apply(fixed["encoder"], images))
    h = channel.gains(key_gain, x.shape, setting.rayleigh)
    t = jax.random.randint(key_time, (x.shape[0], 1), 0, setting.first + 1)
    alpha_bar = jnp.asarray(levels.SCHEDULE.alpha_bar, jnp.float32)[t]
    nu = (1.0 - alpha_bar) / alpha_bar / abs2(h)
    noisy = x + jnp.sqrt(nu) * jax.random.normal(key_noise, x.shape, x.dtype)
    found = jnp.asarray(nets(config).denoiser.apply(params, noisy, nu))
    return jnp.mean(abs2(found - x))


def regressor_loss(
    config: Config, params: Any, fixed: Params, key: Key[Array, ""], setting: Setting, images: Array
) -> Float[Array, ""]:
    """Squared error of x, from what the channel leaves of it."""
    x, noisy, nu = receive(config, fixed, key, setting, images)
    return jnp.mean(abs2(jnp.asarray(nets(config).denoiser.apply(params, noisy, nu)) - x))


def decoder_loss(wanted: str) -> Any:
    """Squared error of the image, decoded from symbols as `estimates` has them."""

    def loss(
        config: Config, params: Any, fixed: Params, key: Key[Array, ""], setting: Setting,
        images: Array,
    ) -> Float[Array, ""]:  # fmt: skip
        _, noisy, nu = receive(config, fixed, key, setting, images)
        seen = estimates(config, fixed, setting, noisy, nu, wanted)
        shown = jnp.asarray(nets(config).decoder.apply(params, seen, nu))
        return jnp.mean(jnp.square(shown - images))

    return loss


def unit_power(config: Config, params: Params, images: Float[Array, "N 64"]) -> Params:
    """The coder's parameters, scaled so that these images' symbols have mean power 1."""
    encoder = params["encoder"]
    x = jnp.asarray(nets(config).encoder.apply(encoder, images))
    scale = jax.lax.rsqrt(jnp.mean(abs2(x)))
    layers = dict(encoder["params"])
    for name in ("linear", "added"):
        layers[name] = jax.tree.map(lambda array: scale * array, layers[name])
    return params | {"encoder": {"params": layers}}


def fresh_coder(config: Config, fixed: Params, images: Float[Array, "N 64"]) -> Params:
    """Coder and decoder, trained as one, from the best linear code of each setting's noise."""
    del fixed
    image, symbols = jnp.zeros((1, 64)), jnp.zeros((1, config.num_symbols), jnp.complex64)
    nu = jnp.ones(symbols.shape)

    def one(setting: Setting) -> Params:
        made, stream = nets(config), functools.partial(keys.stream, setting.key)
        code = linear_code.best(stream("code"), images, config.num_symbols, setting.variance)
        encoder: Any = made.encoder.init(stream("encoder"), image)
        decoder: Any = made.decoder.init(stream("decoder"), symbols, nu)
        encoder["params"]["linear"] = {"kernel": code.encode, "bias": code.encode_bias}
        decoder["params"]["linear"] = {"kernel": code.decode, "bias": code.decode_bias}
        return {"encoder": encoder, "decoder": decoder}

    return {"coder": jax.vmap(one)(settings_of(config))}


def finished_coder(config: Config, params: Params, images: Float[Array, "N 64"]) -> Params:
    """With symbols of mean power 1 over all of the images."""
    scaled = jax.vmap(lambda params: unit_power(config, params, images))(params["coder"])
    return {"coder": scaled}


def fresh_denoisers(config: Config, fixed: Params, images: Array) -> Params:
    """The denoiser and its control."""
    del fixed, images
    symbols = jnp.zeros((1, config.num_symbols), jnp.complex64)

    def one(key: Key[Array, ""]) -> Any:
        return nets(config).denoiser.init(key, symbols, jnp.ones(symbols.shape))

    key = settings_of(config).key
    return {
        name: jax.vmap(lambda key, name=name: one(keys.stream(key, f"{name}/parameters")))(key)
        for name in ("denoiser", "regressor")
    }


def from_the_coders(config: Config, fixed: Params, images: Array) -> Params:
    """Decoders that begin as the coder's own."""
    del config, images
    return {name: jax.tree.map(jnp.copy, fixed["decoder"]) for name in INPUTS}


STAGES = {
    "coder": Stage({"coder": coder_loss}, fresh_coder, finished_coder),
    "denoiser": Stage({"denoiser": denoiser_loss, "regressor": regressor_loss}, fresh_denoisers),
    "decoders": Stage(
        {name: decoder_loss(wanted) for name, wanted in INPUTS.items()}, from_the_coders
    ),
}
"""In their order."""
