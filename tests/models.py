"""A tiny model with random weights, for tests of everything around a network."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from jaxsec import coordinates
from jaxsec.cdm import Model
from jaxsec.diffusion import denoisers
from jaxsec.standardise import Standardiser
from jaxsec.strategy import Size
from tests import cases

SIZE = {"num_layers": 1, "num_complex": 4, "num_real": 8, "num_hidden": 8}


@functools.cache
def _params():
    found = coordinates.get("received")
    spread = np.full(found.kinds(8, 1, 1, 2).shape, 0.1, np.float32)
    channels = cases.channels(n=1, num_users=1, num_eavesdroppers=1)
    condition = jax.jit(lambda c: found.condition(found.frame(*c, 2), 1, spread))(channels)
    z, t = jnp.zeros(condition.mask.shape), jnp.zeros(1, jnp.int32)
    params = denoisers.make("set", SIZE).init(jax.random.key(0), z, t, condition)
    draw = np.random.default_rng(1)
    return jax.tree.map(
        lambda x: x + 0.1 * np.asarray(draw.standard_normal(x.shape), np.float32), params
    )


def tiny(params=None, **changes) -> Model:
    """A set denoiser of a few hundred parameters, for up to 3 users and 4 eavesdroppers."""
    spread = np.full((8, 9, 5), 0.1, np.float32)
    options = {
        "denoiser": "set",
        "network": denoisers.make("set", SIZE),
        "params": _params() if params is None else params,
        "standardiser": Standardiser(spread),
        "coordinates": "received",
        "prediction": "start",
        "sizes": (Size(8, 1, 0), Size(8, 3, 4)),
    }
    return Model(**{**options, **changes})
