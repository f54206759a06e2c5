"""The replay buffer."""

import chex
import jax
import jax.numpy as jnp
import numpy as np

from jaxsec.rl import replay


def block(start, length):
    number = jnp.arange(start, start + length)
    return {"a": number.astype(float), "b": number[:, None] * jnp.ones((1, 2))}


def numbers(ring):
    return np.asarray(ring.transitions["a"]).tolist()


def test_a_ring_is_full_from_the_start_and_overwrites_its_oldest():
    ring = replay.fill(block(100, 4), 6)
    assert numbers(ring) == [100, 101, 102, 103, 100, 101]
    assert numbers(replay.fill(block(100, 9), 6)) == [100, 101, 102, 103, 104, 105]
    for index in range(7):
        ring = replay.add(ring, block(2 * index, 2), jnp.asarray(index))
        newest = range(max(0, 2 * index - 4), 2 * index + 2)
        assert set(newest) <= set(numbers(ring))
    assert numbers(ring) == [12, 13, 8, 9, 10, 11]
    np.testing.assert_array_equal(ring.transitions["b"][:, 0], ring.transitions["a"])
    late = replay.add(ring, block(0, 2), jnp.asarray(2_000_000_000))  # of any number of updates
    assert numbers(late) == [12, 13, 8, 9, 0, 1]


def test_samples_are_uniform_over_what_is_in_the_ring():
    ring = replay.fill(block(10, 6), 6)
    drawn = replay.sample(jax.random.key(0), ring, 6000)
    np.testing.assert_array_equal(drawn["b"][:, 1], drawn["a"])  # rows stay together
    values, counts = np.unique(np.asarray(drawn["a"]), return_counts=True)
    assert values.tolist() == [10, 11, 12, 13, 14, 15]
    assert np.abs(counts - 1000).max() < 5 * np.sqrt(1000 * 5 / 6)


def test_writing_is_compiled_once():
    chex.clear_trace_counter()
    add = jax.jit(chex.assert_max_traces(replay.add, n=1))
    ring = replay.fill(block(0, 6), 6)
    for index in range(4):
        ring = add(ring, block(index, 2), jnp.asarray(index))
