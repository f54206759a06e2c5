"""Channels and strategies that the tests share."""

import jax
import jax.numpy as jnp
import numpy as np

import jaxsec
from jaxsec.channels import Channels


def channels(seed=0, n=3, **scenario) -> Channels:
    """A small batch of P1's scenario."""
    return jaxsec.sample_channels(jax.random.key(seed), jaxsec.Scenario(**scenario), n)


def random_strategy(seed, n, num_antennas, num_users, num_noise_beams) -> jaxsec.Strategy:
    """Gaussian beams and noise at full power."""
    key_w, key_v = jax.random.split(jax.random.key(seed))
    dtype = jnp.result_type(1j)
    w = jax.random.normal(key_w, (n, num_antennas, num_users), dtype)
    v = jax.random.normal(key_v, (n, num_antennas, num_noise_beams), dtype)
    return jaxsec.Strategy(*jaxsec.project_to_budget(w, v))


def unitary(seed, size) -> np.ndarray:
    """A random unitary matrix, complex64."""
    generator = np.random.default_rng(seed)
    z = generator.standard_normal((2, size, size))
    q, _ = np.linalg.qr(z[0] + 1j * z[1])
    return q.astype(np.complex64)


def at_snr(seed, n, num_antennas, num_users, num_eves, snr_db) -> Channels:
    """Rayleigh channels of a mean receive SNR of `snr_db` an antenna, noise power one."""
    key_user, key_eve = jax.random.split(jax.random.key(seed))
    gain = 10.0 ** (snr_db / 20.0)
    return Channels(
        gain * jax.random.normal(key_user, (n, num_users, num_antennas), jnp.complex64),
        gain * jax.random.normal(key_eve, (n, num_eves, num_antennas), jnp.complex64),
        jnp.ones(n),
    )
