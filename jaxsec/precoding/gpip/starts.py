"""The several starts of a batch: closed-form, grown, random; each kind on rows of its own."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float, Int, Key

from jaxsec.precoding.batched.chunks import map_chunks
from jaxsec.precoding.gpip.iterate import beams_of, reduced
from jaxsec.precoding.gpip.start import grown_start, random_size, random_start, start
from jaxsec.precoding.problem import Iterate, Problem


def several_starts(
    h: Complex[Array, "n R M"],
    weights: Float[Array, "n K"],
    key: Key[Array, ""],
    index: Int[Array, "n"],
    *,
    num_starts: int,
    num_beams: int,
    chunk: int,
) -> Complex[Array, "rows M N"]:
    """Beams of S·n rows to start from: n of the closed form first, those of random starts last.

    A channel's random starts depend on its number alone, not on where it is computed.

    Args:
      h: channels over the noise, users first.
      weights: of the users.
      key: for the random starts.
      index: number of each channel in its batch.
      num_starts: S, at least 2.
      num_beams: N = K + J.
      chunk: rows at a time.
    """
    num_users, num_antennas = weights.shape[1], h.shape[2]

    def run(make: Callable[..., Iterate], *rows: Array) -> Array:
        def of_chunk(h: Array, weights: Array, *variates: Array) -> Array:
            basis, problem = reduced(h, weights)
            return beams_of(basis, make(problem, *variates).f)

        return map_chunks(of_chunk, rows, chunk)

    def closed_form(problem: Problem) -> Iterate:
        return start(problem, num_beams, num_antennas)

    def grown(problem: Problem) -> Iterate:
        return grown_start(problem, num_beams, num_antennas)

    def by_chance(problem: Problem, variates: Array) -> Iterate:
        return random_start(problem, num_beams, variates.T)

    def draw(i: Int[Array, ""]) -> Array:
        return jax.random.normal(jax.random.fold_in(key, i), (rest, size), weights.dtype)

    found = [run(make, h, weights) for make in (closed_form, grown)[: min(num_users, 2)]]
    rest = num_starts - len(found)
    if rest:
        size = random_size(num_users, h.shape[1] - num_users, num_beams - num_users)
        drawn = jax.vmap(draw, out_axes=1)(index).reshape(-1, size)
        repeated = (jnp.tile(x, (rest, *(1,) * (x.ndim - 1))) for x in (h, weights))
        found.append(run(by_chance, *repeated, drawn))
    return jnp.concatenate(found)
