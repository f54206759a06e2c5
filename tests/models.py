"""A tiny model with random weights, for tests of everything around a network."""

import functools

import jax
import numpy as np

from jaxsec.cdm.coordinates import table as coordinates
from jaxsec.cdm.model import Model
from jaxsec.cdm.standardise import Standardiser
from jaxsec.diffusion.networks import table as denoisers
from jaxsec.strategy import Size

SIZE = {"num_layers": 1, "num_complex": 4, "num_real": 8, "num_hidden": 8}


def random_params(network, z, t, condition):
    """Parameters of a network, away from its start, where outputs are zero; nothing is compiled."""
    shapes = jax.eval_shape(network.init, jax.random.key(0), z, t, condition)
    draw = np.random.default_rng(1)

    def leaf(at, x):
        noise = np.asarray(draw.standard_normal(x.shape), np.float32)
        if at[-1].key == "scale":
            return jax.device_put(1.0 + 0.1 * noise)
        scale = x.shape[-2] ** -0.5 if x.ndim > 1 else 0.1
        return jax.device_put(noise * np.float32(scale))

    return jax.tree_util.tree_map_with_path(leaf, shapes)


@functools.cache
def _params():
    found = coordinates.get("received")
    spread = np.full(found.kinds(8, 1, 1, 2).shape, 0.1, np.float32)

    def condition():
        return found.condition(found.blank(8, 1, 1, 2), 1, spread)

    blank = jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), jax.eval_shape(condition))
    z, t = np.zeros(blank.mask.shape, np.float32), np.zeros(1, np.int32)
    return random_params(denoisers.make("set", SIZE), z, t, blank)


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
