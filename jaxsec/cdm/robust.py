"""Designs for channels known with errors: a diffusion model that is told them.

    known = knowledge.estimated(h_user, h_eve, 0.01, 0.5)
    strategy = robust.design(key, pretrained.load("cdm-f"), known, noise_power)

The model is fine-tuned on rates over what the channels may be (`training.finetune`), and told
whether their mean is asked for or what is kept. Its candidates, and RZF-NS with powers searched on
draws beside them, are compared on draws by the objective itself. Where that is a quantile, RZF-NS
must be ahead by `LEAD`: its powers are the best on the very draws that judge it, and what a network
generates has not seen them. As a start of `refine` it is kept unless another is ahead of it by
`QUANTILE_MARGIN` (`precoding.robust.solve`).
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Key

from jaxsec import checks, keys
from jaxsec.cdm.coordinates import table as coordinates
from jaxsec.cdm.model import Model, check_size, sampling_steps
from jaxsec.cdm.sampler import Sampler, best_of, sampler_of
from jaxsec.channels.knowledge import Posterior, has_directions
from jaxsec.precoding.batched.programs import PROGRAMS
from jaxsec.precoding.robust import problem as robust
from jaxsec.precoding.robust import split
from jaxsec.precoding.robust.draws import Draws, first, sample
from jaxsec.precoding.robust.heard import sum_rates
from jaxsec.precoding.robust.problem import Uncertain
from jaxsec.precoding.robust.solve import QUANTILE_MARGIN, REFINED_MARGIN
from jaxsec.secrecy import MEAN, Outage, OverDraws
from jaxsec.shapes import flat
from jaxsec.strategy import Size, Strategy

JUDGING_DRAWS, SEARCH_DRAWS = 192, 48
"""Draws by which candidates are compared, and RZF-NS's powers before they are searched once more
on all."""
LEAD = 0.005
"""Share by which RZF-NS must be ahead of every sample's quantile to be sent."""
FRACTIONS, SHARES = split.FRACTIONS[::2], (0.0, 0.4, 1.0)
"""Powers of RZF-NS that are tried first: a third of `rzf_ns_robust`'s, without noise among them."""


def design(
    key: Key[Array, ""],
    model: Model,
    known: Posterior,
    noise_power: Float[ArrayLike, "..."],
    *,
    objective: OverDraws = MEAN,
    num_samples: int = 1,
    num_steps: int | None = None,
    fallback: bool = True,
) -> Strategy:
    """Beams and noise at full power: of `num_samples` candidates, and RZF-NS, the best on draws.

    Args:
      key: for the samples' initial noise and the draws.
      model: a model that is told errors (coordinates "known").
      known: what is known of the channels, any leading batch shape.
      noise_power: σ0²/P.
      objective: over the draws, `secrecy.MEAN` or `secrecy.Outage(0.05)`; of other probabilities
        of outage candidates are judged by them, but sampled as for that.
      num_samples, num_steps: as for `cdm.design`.
      fallback: whether RZF-NS is a candidate. Without, and with one sample, nothing is judged.

    Returns:
      w [..., M, K] and v [..., M, J + M − K], J beams of aimed noise and then isotropic noise; or
      RZF-NS, filled up with zeros.

    Raises:
      InputError: the model is not told errors, errors have a covariance, or as `cdm.design` does.
    """
    options = {"objective": objective, "num_samples": num_samples, "num_steps": num_steps}
    return candidates(key, model, known, noise_power, fallback=fallback, **options)[0]


def candidates(
    key: Key[Array, ""],
    model: Model,
    known: Posterior,
    noise_power: Float[ArrayLike, "..."],
    *,
    objective: OverDraws,
    num_samples: int,
    num_steps: int | None,
    fallback: bool = True,
    refined: bool = False,
) -> tuple[Strategy, Float[Array, "... S1"]]:
    """The same, or the start of a refinement, and what every candidate is worth, RZF-NS last; 0
    where nothing is judged."""
    checks.check_channels(known.h_user, known.h_eve, noise_power)
    checks.check_batches(
        h_user=(known.h_user, 2),
        error_user=(known.error_user, 1),
        error_eve=(known.error_eve, 1),
    )
    checks.require(
        not has_directions(known), "`known` must hold errors without direction, but has covariances"
    )
    num_steps = sampling_steps(model, num_samples, num_steps)
    checks.require(
        coordinates.get(model.coordinates).informed is not None,
        f"`model` must be told CSI errors (coordinates 'known'), but has coordinates "
        f"{model.coordinates!r}",
    )
    size = Size(known.h_user.shape[-1], known.h_user.shape[-2], known.h_eve.shape[-2])
    check_size(model, *size)
    args = (model.params, key, known, noise_power)
    options = {"objective": objective, "num_samples": num_samples, "num_steps": num_steps}
    ahead = QUANTILE_MARGIN if refined else -LEAD
    options |= {"fallback": fallback, "margin": ahead if isinstance(objective, Outage) else 0.0}
    return PROGRAMS.get(_design, args, sampler=sampler_of(model), **options)(*args)


def margin(quantiles: Float[Array, "... S1"]) -> Float[Array, "..."]:
    """Share by which what follows must be ahead of the candidate that is kept: of RZF-NS, the last,
    as much as other candidates must."""
    others = jnp.max(quantiles[..., :-1], axis=-1)
    is_rzf_ns = (1.0 + QUANTILE_MARGIN) * quantiles[..., -1] >= others
    return jnp.where(is_rzf_ns, QUANTILE_MARGIN, REFINED_MARGIN)


def _design(
    params,
    key,
    known: Posterior,
    noise_power: Float[ArrayLike, "..."],
    *,
    sampler: Sampler,
    objective: OverDraws,
    num_samples: int,
    num_steps: int,
    fallback: bool,
    margin: float,
) -> tuple[Strategy, Float[Array, "... S1"]]:
    """The compiled program: a batch of any shape."""
    batch, known, noise_power = _flat(known, noise_power)
    num_users, num_antennas = known.h_user.shape[1:]
    size = Size(num_antennas, num_users, known.h_eve.shape[1])
    informed = sampler.coordinates.informed
    assert informed is not None
    span = min(num_users + size.num_eavesdroppers, num_antennas)
    outside = num_antennas - span
    # The same for every channel: what a channel gets does not depend on how the batch is cut.
    shape = num_users + size.num_eavesdroppers, span, outside
    draws = sample(keys.stream(key, "judging"), JUDGING_DRAWS, *shape)

    def frame_of(inputs):
        known, noise_power = inputs
        return informed(known, noise_power, sampler.num_noise_beams, float(objective != MEAN))

    def judged(strategy: Strategy, inputs) -> tuple[Strategy, Float[Array, "B"]]:
        if num_samples == 1 and not fallback:
            return strategy, jnp.zeros(strategy.w.shape[0])
        problem, basis = robust.reduced(*inputs)
        beams = robust.in_span(strategy, basis)
        return strategy, objective.value(sum_rates(problem, draws, beams, num_users))

    def beside(frame, inputs) -> list[tuple[Strategy, Float[Array, "B"]]]:
        del frame
        if not fallback:
            return []
        problem, basis = robust.reduced(*inputs)
        found = _rzf_ns(problem, draws, objective, num_users, outside)
        u = robust.in_antennas(found.beams, basis, num_users)
        return [(Strategy(u[..., :num_users], u[..., num_users:]), found.value)]

    found = best_of(
        sampler,
        keys.stream(key, "samples"),
        (known, noise_power),
        frame_of,
        judged,
        params,
        size=size,
        num_samples=num_samples,
        num_steps=num_steps,
        beside=beside,
        margin=margin,
    )
    return jax.tree.map(lambda x: x.reshape(*batch, *x.shape[1:]), found)


def _rzf_ns(
    problem: Uncertain, draws: Draws, objective: OverDraws, num_users: int, outside: int
) -> split.Split:
    """RZF-NS, its powers searched on some of the draws, and around the best of these on all."""
    noise, w = split.noise_of(problem, num_users, outside), split.together(problem, num_users)
    few, tried = first(draws, SEARCH_DRAWS), {"fractions": FRACTIONS, "shares": SHARES}
    found = split.search(problem, few, w, noise, objective, **tried)
    return split.search_near(problem, draws, w, noise, objective, found.powers)


def _flat(
    known: Posterior, noise_power: Float[ArrayLike, "..."]
) -> tuple[tuple[int, ...], Posterior, Float[Array, "n"]]:
    """The batch shape, and all with one batch axis."""
    noise_power = jnp.asarray(noise_power, jnp.float32)
    batch = jnp.broadcast_shapes(
        known.h_user.shape[:-2],
        known.h_eve.shape[:-2],
        known.error_user.shape[:-1],
        noise_power.shape,
    )
    flattened = Posterior(
        *(flat(batch, jnp.asarray(h, jnp.complex64), 2) for h in known[:2]),
        *(flat(batch, jnp.asarray(error, jnp.float32), 1) for error in known[2:4]),
    )
    return batch, flattened, flat(batch, noise_power, 0)
