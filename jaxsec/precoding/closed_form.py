"""The closed-form strategy that OPT starts from, also a design of its own.

Regularised zero-forcing for a greedy choice of users, noise beams aimed at the eavesdroppers, and a
searched power split (`gpip_start`): the best design of the library that needs no iteration.
"""

from jaxtyping import ArrayLike, Complex, Float

from jaxsec import checks
from jaxsec.precoding import batchlast as bl
from jaxsec.precoding import gpip_start, linear
from jaxsec.precoding.batchlast import Split
from jaxsec.secrecy import project_to_budget
from jaxsec.shapes import AnyArray, over_noise
from jaxsec.strategy import Strategy


def closed_form(
    h_user: Complex[AnyArray, "... K M"],
    h_eve: Complex[AnyArray, "... L M"],
    noise_power: Float[ArrayLike, "..."],
    *,
    num_noise_beams: int = 2,
) -> Strategy:
    """OPT's start for the given channels, at full power.

    Raises:
      InputError: a shape or dtype is wrong, or `num_noise_beams` is negative.
    """
    checks.check_channels(h_user, h_eve)
    checks.check_at_least("num_noise_beams", num_noise_beams, 0)
    num_users = h_user.shape[-2]

    def design(user: Split, eve: Split) -> Split:
        h = bl.concatenate([user, eve], axis=0)
        num_antennas = h.shape[1]
        reduce = h.shape[0] < num_antennas
        basis, coordinates = bl.orthonormal_basis(h) if reduce else (None, h)
        problem = linear.as_problem(coordinates, num_users)
        start = gpip_start.start(problem, num_users + num_noise_beams, num_antennas, None)
        return start.f if basis is None else bl.combine(basis, start.f)

    u = linear.over_batch(design, over_noise(h_user, noise_power), over_noise(h_eve, noise_power))
    return Strategy(*project_to_budget(u[..., :num_users], u[..., num_users:]))
