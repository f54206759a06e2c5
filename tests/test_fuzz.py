"""Every start ends in finite beams no worse than it began, on channels no scenario would draw."""

import jax.numpy as jnp
import numpy as np
import pytest

import jaxsec
from benchmarks import fuzz
from jaxsec.precoding import gpip
from jaxsec.precoding.batched import algebra, elimination
from tests import cases


@pytest.mark.long
def test_hard_channels_of_all_sizes(capsys, full_compilation_here):
    """Where one start in a thousand was lost at 80 dB, with 8 antennas and 4 users."""
    assert fuzz.main(fuzz.Command(starts=100_000, seed=2), []) == 0
    assert "not finite" in capsys.readouterr().out


def test_failures_are_counted():
    """What is not finite, below its start or not what the beams are worth."""
    n, k = 4, 2
    channels = cases.at_snr(0, n, 4, k, 2, 20.0)
    h = np.concatenate([channels.h_user, channels.h_eve], axis=1)
    u = np.concatenate(cases.random_strategy(1, n, 4, k, 1), axis=2)
    rate = np.array(jaxsec.sum_secrecy_rate(u[..., :k], u[..., k:], *channels))
    info = gpip.GpipInfo(*[rate] * len(gpip.GpipInfo._fields))
    snr_db = np.full(n, 20.0)
    assert fuzz._judge(h, snr_db, u, info, k)[:4] == (n, 0, 0, 0)
    u[1, 0, 0] = np.nan
    wrong = rate + np.array([0, 0, 1.0, 0], np.float32)
    start = rate + np.array([0, 0, 0, 0.1], np.float32)
    counts = fuzz._judge(h, snr_db, u, info._replace(rate=wrong, start_rate=start), k)
    assert counts[:4] == (n, 1, 1, 1)
    assert counts.failures == 3
    total = counts.plus(counts)
    assert total.starts == 2 * n and total.worst == counts.worst


@pytest.mark.slow
@pytest.mark.parametrize("size", [2, 8, 12])
def test_elimination_does_not_let_rounding_grow(size):
    """Condition numbers far beyond float32: bounded where it overflowed, exact where it can be."""
    generator = np.random.default_rng(0)
    n, rank = 2000, size // 2
    h = cases.gaussian(generator, (n, rank, size))
    weight = 10 ** generator.uniform(0, 12, (n, rank, 1))
    outer = np.swapaxes(h * np.sqrt(weight), 1, 2) @ np.conj(h * np.sqrt(weight))
    matrix = (outer + np.eye(size)).astype(np.complex64)
    right = cases.gaussian(generator, (n, size, 1)).astype(np.complex64)
    ridge = jnp.ones(n, jnp.float32)
    system = algebra.split(jnp.asarray(matrix)), algebra.split(jnp.asarray(right))
    x = algebra.join(elimination.solve_hermitian(*system, ridge))
    # ‖x‖ ≤ ‖b‖ since A ≥ I. What float32 cannot know of it stays bounded; it was 1e38 and beyond.
    grown = np.linalg.norm(x, axis=1)[:, 0] / np.linalg.norm(right, axis=1)[:, 0]
    assert np.isfinite(grown).all() and grown.max() < 1e8
    mild = weight.max(axis=(1, 2)) < 1e3
    exact = np.linalg.solve(matrix[mild].astype(complex), right[mild].astype(complex))
    np.testing.assert_allclose(np.asarray(x)[mild], exact, atol=2e-3)
