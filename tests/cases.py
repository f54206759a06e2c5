"""Channels and strategies that the tests share, drawn with NumPy so that nothing is compiled."""

import jax
import numpy as np

import jaxsec
from jaxsec.channels import Channels

OWN_PROGRAMS = {"JAX_ENABLE_COMPILATION_CACHE": "false"}
"""Environment of a process that neither reads nor writes the programs compiled by others."""


def channels(seed=0, n=3, **options) -> Channels:
    """A batch of P1's scenario, Rayleigh fading, in the precision in force."""
    scenario = jaxsec.Scenario(**options)
    generator = np.random.default_rng(seed)
    k, l, m = scenario.num_users, scenario.num_eavesdroppers, scenario.num_antennas

    def ring(count, inner, outer):
        radius = np.sqrt(generator.uniform(inner**2, outer**2, (n, count)))
        return radius * np.exp(2j * np.pi * generator.uniform(size=(n, count)))

    users = ring(k, scenario.min_distance_m, scenario.max_distance_m)
    near = np.take_along_axis(users, generator.integers(k, size=(n, l)), axis=1)
    eves = near + ring(l, 0.0, scenario.eavesdropper_radius_m)

    def fade(positions):
        gain_db = scenario.reference_gain_db - 10 * scenario.path_loss_exponent * np.log10(
            np.abs(positions)
        )
        h = gaussian(generator, (*positions.shape, m))
        return in_force(10 ** (gain_db[..., None] / 20) * h)

    return Channels(fade(users), fade(eves), in_force(np.full(n, scenario.noise_power)))


def random_strategy(seed, n, num_antennas, num_users, num_noise_beams) -> jaxsec.Strategy:
    """Gaussian beams and noise at full power."""
    generator = np.random.default_rng(seed)
    u = gaussian(generator, (n, num_antennas, num_users + num_noise_beams))
    u = u / np.linalg.norm(u, axis=(1, 2), keepdims=True)
    return jaxsec.Strategy(in_force(u[..., :num_users]), in_force(u[..., num_users:]))


def unitary(seed, size) -> jax.Array:
    """A random unitary matrix."""
    q, _ = np.linalg.qr(gaussian(np.random.default_rng(seed), (size, size)))
    return in_force(q)


def at_snr(seed, n, num_antennas, num_users, num_eves, snr_db) -> Channels:
    """Rayleigh channels of a mean receive SNR of `snr_db` an antenna, noise power one."""
    generator = np.random.default_rng(seed)
    h = 10.0 ** (snr_db / 20.0) * gaussian(generator, (n, num_users + num_eves, num_antennas))
    return Channels(in_force(h[:, :num_users]), in_force(h[:, num_users:]), in_force(np.ones(n)))


def gaussian(generator, shape) -> np.ndarray:
    """CN(0, 1)."""
    return (generator.standard_normal(shape) + 1j * generator.standard_normal(shape)) / np.sqrt(2)


def in_force(x: np.ndarray) -> jax.Array:
    """As a JAX array, in float64 or complex128 only where those are enabled."""
    wide = jax.config.jax_enable_x64
    if np.iscomplexobj(x):
        return jax.device_put(x.astype(np.complex128 if wide else np.complex64))
    return jax.device_put(x.astype(np.float64 if wide else np.float32))
