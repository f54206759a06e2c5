"""Designs for channels known with errors: RZF-NS searched on draws, and stochastic GPIP.

Both take what is known of every link, its mean and the variance of its error, and design for the
mean of the sum secrecy rate over the channels that this leaves possible, or for the rate that is
kept with a probability. Errors may have a covariance (`channels.covariance`).
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float, Key

from jaxsec import checks, keys
from jaxsec.channels.knowledge import Posterior, has_directions
from jaxsec.precoding.batched import algebra
from jaxsec.precoding.batched.chunks import map_chunks
from jaxsec.precoding.batched.programs import PROGRAMS
from jaxsec.precoding.robust import iterate, split
from jaxsec.precoding.robust.draws import Draws, sample
from jaxsec.precoding.robust.problem import Beams, Uncertain, at_unit_power, in_span, reduced
from jaxsec.secrecy import MEAN, OverDraws
from jaxsec.shapes import flat
from jaxsec.strategy import Strategy

DEFAULT_STEPS = 60
DEFAULT_DRAWS = 64
REFINING_DRAWS = 128
"""Of a step of `refine`: from a good design fewer and better steps are ahead of more."""
SPLIT_DRAWS = 256
"""Draws on which RZF-NS is searched."""
SEARCH_DRAWS, FINE_DRAWS = 64, 256
"""Draws on which the iteration's starts are searched, and that for all users once more."""
JUDGING_DRAWS = 256
"""Draws by which starts and result are compared."""
CHUNK_ENTRIES = 150_000
"""Amplitudes of all draws that a chunk of channels may hold: what stays near the cores."""


def rzf_ns_robust(
    key: Key[Array, ""],
    known: Posterior,
    noise_power: Float[ArrayLike, "..."],
    *,
    objective: OverDraws = MEAN,
) -> Strategy:
    """RZF-NS for uncertain channels: aimed and isotropic noise, their powers searched on draws.

    Beams are regularised by the errors; noise in the users' null space is aimed at the
    eavesdroppers' means or isotropic (S. Goel and R. Negi, Guaranteeing Secrecy using Artificial
    Noise, IEEE TWC 2008). Where of eavesdroppers nothing but the gain is known, nothing better has
    been found.

    >>> channels = jaxsec.sample_channels(jax.random.key(0), jaxsec.Scenario(), 4)
    >>> known = jaxsec.channels.knowledge.estimated(channels.h_user, channels.h_eve, 0.1)
    >>> strategy = rzf_ns_robust(jax.random.key(1), known, channels.noise_power)
    >>> strategy.w.shape, strategy.v.shape
    ((4, 8, 2), (4, 8, 6))

    Args:
      key: for the draws.
      known: means and errors of all links.
      noise_power: σ0²/P, receiver noise over transmit power in units of |h|², a scalar or [...].
      objective: over the draws, `secrecy.MEAN` or `secrecy.Outage(0.05)`.

    Returns:
      w [..., M, K] and v [..., M, J] at full power, J = M − K, or 0 where users leave no room.

    Raises:
      InputError: a shape or dtype does not fit.
    """
    return _design(key, known, noise_power, objective=objective, num_steps=0, num_draws=SPLIT_DRAWS)


def stochastic_gpip(
    key: Key[Array, ""],
    known: Posterior,
    noise_power: Float[ArrayLike, "..."],
    *,
    objective: OverDraws = MEAN,
    num_steps: int = DEFAULT_STEPS,
    num_draws: int = DEFAULT_DRAWS,
) -> Strategy:
    """Robust OPT: generalised power iteration on fresh draws of what is not known (`step`).

    From RZF-NS with powers searched on draws, or a single user's beam where that is worth more; the
    best of the result, a single user's beam, and RZF-NS with powers searched on more draws is kept,
    by draws of its own.

    >>> channels = jaxsec.sample_channels(jax.random.key(0), jaxsec.Scenario(), 4)
    >>> known = jaxsec.channels.knowledge.estimated(channels.h_user, channels.h_eve, 0.1)
    >>> outage = jaxsec.secrecy.Outage(0.05)
    >>> key, noise = jax.random.key(1), channels.noise_power
    >>> stochastic_gpip(key, known, noise, objective=outage, num_steps=4).v.shape
    (4, 8, 6)

    Args:
      key: for the draws.
      known: means and errors of all links.
      noise_power: σ0²/P, receiver noise over transmit power in units of |h|², a scalar or [...].
      objective: over the draws, `secrecy.MEAN` or `secrecy.Outage(0.05)`.
      num_steps: of the iteration.
      num_draws: fresh draws of every step.

    Returns:
      w [..., M, K] and v [..., M, J] at full power, J = M − K, or 0 where users leave no room.

    Raises:
      InputError: a shape or dtype does not fit, or a count is below 1.
    """
    options = {"objective": objective, "num_steps": num_steps, "num_draws": num_draws}
    return _iterated(key, known, noise_power, **options)


def refine(
    key: Key[Array, ""],
    strategy: Strategy,
    known: Posterior,
    noise_power: Float[ArrayLike, "..."],
    *,
    objective: OverDraws = MEAN,
    num_steps: int = 10,
    num_draws: int = REFINING_DRAWS,
) -> Strategy:
    """A few steps of stochastic GPIP from a given design; the better of both, by draws.

    What the design sends outside the span of the means, where errors have no direction, is spread
    there evenly, as noise.

    >>> channels = jaxsec.sample_channels(jax.random.key(0), jaxsec.Scenario(), 4)
    >>> known = jaxsec.channels.knowledge.estimated(channels.h_user, channels.h_eve, 0.1)
    >>> start = jaxsec.design(channels, method="opt")
    >>> refine(jax.random.key(1), start, known, channels.noise_power).w.shape
    (4, 8, 2)

    Args:
      key: for the draws.
      strategy: w [..., M, K] and v [..., M, J] at full power.
      known: means and errors of all links.
      noise_power: σ0²/P, receiver noise over transmit power in units of |h|², a scalar or [...].
      objective: over the draws, `secrecy.MEAN` or `secrecy.Outage(0.05)`.
      num_steps: of the iteration.
      num_draws: fresh draws of every step.

    Returns:
      w [..., M, K] and v [..., M, J] at full power; J is what it was, but at most K + L in the
      span of the means, and M − K − L for the isotropic noise outside of it.

    Raises:
      InputError: a shape or dtype does not fit, or a count is below 1.
    """
    checks.check_batches(w=(strategy.w, 2), v=(strategy.v, 2), h_user=(known.h_user, 2))
    options = {"objective": objective, "num_steps": num_steps, "num_draws": num_draws}
    return _iterated(key, known, noise_power, strategy, **options)


def _iterated(key, known: Posterior, *args, num_steps: int, num_draws: int, **options) -> Strategy:
    checks.check_at_least("num_steps", num_steps, 1)
    checks.check_at_least("num_draws", num_draws, 1)
    return _design(key, known, *args, num_steps=num_steps, num_draws=num_draws, **options)


def _design(
    key, known: Posterior, noise_power, strategy: Strategy | None = None, **options
) -> Strategy:
    checks.check_channels(known.h_user, known.h_eve, noise_power)
    checks.check_batches(
        h_user=(known.h_user, 2),
        h_eve=(known.h_eve, 2),
        error_user=(known.error_user, 1),
        error_eve=(known.error_eve, 1),
        noise_power=(noise_power, 0),
    )
    args = (key, known, noise_power, strategy)
    return PROGRAMS.get(_design_batch, args, **options)(*args)


def _design_batch(
    key,
    known: Posterior,
    noise_power,
    strategy: Strategy | None,
    *,
    objective: OverDraws,
    num_steps: int,
    num_draws: int,
) -> Strategy:
    """The program: a batch of any shape, chunk by chunk, all on the same draws."""
    real = jnp.finfo(jnp.result_type(known.h_user, known.h_eve)).dtype
    noise_power = jnp.asarray(noise_power, real)
    batch = np.broadcast_shapes(
        known.h_user.shape[:-2],
        known.h_eve.shape[:-2],
        known.error_user.shape[:-1],
        known.error_eve.shape[:-1],
        noise_power.shape,
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
    # Once for all chunks: to draw costs as much as an eighth of what is computed of it in one.
    shape = (num_receivers, size, num_antennas - size)
    drawn = _drawn(key, shape, num_steps=num_steps, num_draws=num_draws, given=strategy is not None)

    def solve(
        known: Posterior, noise: Float[Array, "B"], start: Strategy | None
    ) -> Complex[Array, "B M N"]:
        problem, basis = reduced(known, noise)
        found = _solve(
            problem,
            drawn,
            None if start is None else _few(in_span(start, basis), num_users),
            objective,
            num_users,
            num_antennas - size,
        )
        return in_antennas(found, basis, num_users)

    start = strategy and Strategy(*(flat(batch, jnp.asarray(u), 2) for u in strategy))
    inputs = (rows, flat(batch, noise_power, 0), start)
    u = map_chunks(solve, inputs, min(max(chunk, 16), 128))
    u = u.reshape(*batch, *u.shape[1:])
    return Strategy(u[..., :num_users], u[..., num_users:])


def _drawn(
    key, shape: tuple[int, int, int], *, num_steps: int, num_draws: int, given: bool
) -> dict[str, Draws]:
    """Draws for every part of a design; those of steps have the steps on a leading axis."""
    if num_steps == 0:
        return {"split": sample(keys.stream(key, "split"), num_draws, *shape)}
    numbers = {"judging": JUDGING_DRAWS}
    if not given:
        numbers |= {"coarse": SEARCH_DRAWS, "fine": FINE_DRAWS}
    drawn = {name: sample(keys.stream(key, name), n, *shape) for name, n in numbers.items()}
    one = keys.stream(key, "steps")
    steps = jax.vmap(lambda number: sample(keys.step(one, number), num_draws, *shape))
    return drawn | {"steps": steps(jnp.arange(num_steps))}


def _solve(
    known: Uncertain,
    drawn: dict[str, Draws],
    given: Beams | None,
    objective: OverDraws,
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
    return iterate.better(known, drawn["judging"], [*others, result], objective, num_users)


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


def in_antennas(
    beams: Beams, basis: Complex[Array, "B M S"], num_users: int
) -> Complex[Array, "B M N"]:
    """Beams of the antennas, and beside them one noise beam a dimension outside the span."""
    u = basis @ algebra.join(beams.f)
    num_antennas, size = basis.shape[1:]
    outside = num_antennas - size
    if not outside or num_users == size:
        return u
    rest = jnp.linalg.qr(basis, mode="complete")[0][:, :, size:]
    v = rest * jnp.sqrt(beams.outside / outside)[:, None, None].astype(rest.dtype)
    return jnp.concatenate([u, v], axis=2)
