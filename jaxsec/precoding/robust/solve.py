"""The program behind all designs of `design`: a batch, chunk by chunk, on the same draws."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float

from jaxsec import keys
from jaxsec.channels.knowledge import Posterior, has_directions
from jaxsec.precoding.batched import algebra
from jaxsec.precoding.batched.chunks import map_chunks
from jaxsec.precoding.robust import iterate, split
from jaxsec.precoding.robust.draws import Draws, sample
from jaxsec.precoding.robust.problem import (
    Beams,
    Uncertain,
    at_unit_power,
    in_antennas,
    in_span,
    reduced,
)
from jaxsec.secrecy import Outage, OverDraws
from jaxsec.shapes import flat
from jaxsec.strategy import Strategy

SEARCH_DRAWS, FINE_DRAWS = 64, 256
"""Draws on which the iteration's starts are searched, and that for all users once more."""
JUDGING_DRAWS, QUANTILE_DRAWS, REFINED_DRAWS = 256, 1024, 512
"""Draws by which starts and result are compared: for the mean, for a quantile, and for a quantile
after the few steps of a refinement, which takes less time."""
QUANTILE_MARGIN, REFINED_MARGIN = 0.0025, 0.001
"""Shares by which a quantile must be better than RZF-NS's, or than a given design's, to count as
that. All channels are judged on the same draws, so that a quantile errs alike for all of them."""
CHUNK_ENTRIES = 150_000
"""Amplitudes of all draws that a chunk of channels may hold: what stays near the cores."""


def solve(
    key,
    known: Posterior,
    noise_power,
    strategy: Strategy | None,
    margin: Float[ArrayLike, "..."],
    *,
    objective: OverDraws,
    num_steps: int,
    num_draws: int,
) -> Strategy:
    """The program: a batch of any shape, chunk by chunk, all on the same draws."""
    real = jnp.finfo(jnp.result_type(known.h_user, known.h_eve)).dtype
    batch = np.broadcast_shapes(
        known.h_user.shape[:-2],
        known.h_eve.shape[:-2],
        known.error_user.shape[:-1],
        known.error_eve.shape[:-1],
        np.shape(noise_power),
        np.shape(margin),
    )
    roots = known.root_user, known.root_eve
    rows = Posterior(
        *(flat(batch, jnp.asarray(h), 2) for h in (known.h_user, known.h_eve)),
        *(flat(batch, jnp.asarray(e, real), 1) for e in (known.error_user, known.error_eve)),
        *(None if root is None else flat(batch, jnp.asarray(root), 3) for root in roots),
    )
    num_users, num_antennas = rows.h_user.shape[1:]
    num_receivers = num_users + rows.h_eve.shape[1]
    size = num_antennas if has_directions(known) else min(num_receivers, num_antennas)
    beams = max(size, num_users)
    chunk = int(2 ** np.floor(np.log2(CHUNK_ENTRIES / (num_draws * num_receivers * beams))))
    # Once for all chunks, each of which would draw the same.
    shape = (num_receivers, size, num_antennas - size)
    options = {"given": strategy is not None, "quantile": isinstance(objective, Outage)}
    drawn = _drawn(key, shape, num_steps=num_steps, num_draws=num_draws, **options)

    def solve_chunk(
        known: Posterior,
        noise: Float[Array, "B"],
        margin: Float[Array, "B"],
        start: Strategy | None,
    ) -> Complex[Array, "B M N"]:
        problem, basis = reduced(known, noise)
        found = _designed(
            problem,
            drawn,
            None if start is None else _few(in_span(start, basis), num_users),
            objective,
            margin,
            num_users,
            num_antennas - size,
        )
        return in_antennas(found, basis, num_users)

    start = strategy and Strategy(*(flat(batch, jnp.asarray(u), 2) for u in strategy))
    inputs = (rows, *(flat(batch, jnp.asarray(x, real), 0) for x in (noise_power, margin)), start)
    u = map_chunks(solve_chunk, inputs, min(max(chunk, 16), 128))
    u = u.reshape(*batch, *u.shape[1:])
    return Strategy(u[..., :num_users], u[..., num_users:])


def _drawn(
    key, shape: tuple[int, int, int], *, num_steps: int, num_draws: int, given: bool, quantile: bool
) -> dict[str, Draws]:
    """Draws for every part of a design; those of steps have the steps on a leading axis."""
    if num_steps == 0:
        return {"split": sample(keys.stream(key, "split"), num_draws, *shape)}
    many = REFINED_DRAWS if given else QUANTILE_DRAWS
    numbers = {"judging": many if quantile else JUDGING_DRAWS}
    if not given:
        numbers |= {"coarse": SEARCH_DRAWS, "fine": FINE_DRAWS}
    drawn = {name: sample(keys.stream(key, name), n, *shape) for name, n in numbers.items()}
    one = keys.stream(key, "steps")
    steps = jax.vmap(lambda number: sample(keys.step(one, number), num_draws, *shape))
    return drawn | {"steps": steps(jnp.arange(num_steps))}


def _designed(
    known: Uncertain,
    drawn: dict[str, Draws],
    given: Beams | None,
    objective: OverDraws,
    margin: Float[Array, "B"],
    num_users: int,
    outside: int,
) -> Beams:
    if "split" in drawn:
        noise = split.noise_of(known, num_users, outside)
        w = split.together(known, num_users)
        return split.search(known, drawn["split"], w, noise, objective).beams
    if given is None:
        draws = drawn["coarse"], drawn["fine"]
        found = iterate.starts(known, *draws, objective, num_users, outside)
        start, others, lengths = found.first, found.others, iterate.LENGTHS
    else:
        start, others = _hidden(known, given, num_users), [given]
        lengths = iterate.REFINING_LENGTHS
    result = iterate.iterate(known, drawn["steps"], start, objective, num_users, lengths)
    result = _filled_up(result, others[0].f.shape[1])
    return iterate.better(known, drawn["judging"], [*others, result], objective, num_users, margin)


def _few(beams: Beams, num_users: int) -> Beams:
    """The same noise in no more beams than the span has dimensions."""
    noise = algebra.join(beams.f[:, num_users:])  # [B, S, J]
    if noise.shape[2] <= noise.shape[1]:
        return beams
    return _with_noise(beams, _triangle(noise), num_users)


def _hidden(known: Uncertain, beams: Beams, num_users: int) -> Beams:
    """Where noise has more beams than the users' null space has dimensions, what is in there of it,
    in as many: an iteration may start there, and its time goes with the number of beams."""
    basis = split.null_space(known, num_users)
    noise = algebra.join(beams.f[:, num_users:])
    if not basis.shape[2] or noise.shape[2] <= basis.shape[2]:
        return beams
    inside = jnp.swapaxes(basis.conj(), 1, 2) @ noise
    found = _with_noise(beams, basis @ _triangle(inside), num_users)
    return at_unit_power(found.f, found.outside)


def _triangle(noise: Complex[Array, "B S J"]) -> Complex[Array, "B S S"]:
    """R with RRᴴ = VVᴴ."""
    upper = jnp.linalg.qr(jnp.swapaxes(noise.conj(), 1, 2), mode="r")
    return jnp.swapaxes(upper.conj(), 1, 2)


def _with_noise(beams: Beams, noise: Complex[Array, "B S J"], num_users: int) -> Beams:
    f = algebra.concatenate([beams.f[:, :num_users], algebra.split(noise)], axis=1)
    return Beams(f, beams.outside)


def _filled_up(beams: Beams, number: int) -> Beams:
    """With noise beams that send nothing, `number` beams in all."""
    missing = ((0, 0), (0, number - beams.f.shape[1]), (0, 0))
    return Beams(jax.tree.map(lambda x: jnp.pad(x, missing), beams.f), beams.outside)
