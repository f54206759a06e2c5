"""The closed-form strategy that OPT starts from, also a design of its own.

Regularised zero-forcing for a greedy choice of users, noise beams aimed at the eavesdroppers, and a
searched power split (`gpip.start`): the best design of the library that needs no iteration. For one
user and one eavesdropper it is the beam that reaches secrecy capacity (`gpip.pair`).
"""

from jaxtyping import ArrayLike, Complex, Float

from jaxsec import checks
from jaxsec.channels.arguments import together
from jaxsec.precoding import linear
from jaxsec.precoding.batched import algebra
from jaxsec.precoding.batched.algebra import SplitComplex
from jaxsec.precoding.batched.basis import orthonormal_basis
from jaxsec.precoding.gpip import start as gpip_start
from jaxsec.precoding.problem import DEFAULT_NOISE_BEAMS, as_problem
from jaxsec.secrecy import normalise_power
from jaxsec.shapes import AnyArray, over_noise
from jaxsec.strategy import Strategy


@together
def closed_form(
    h_user: Complex[AnyArray, "... K M"],
    h_eve: Complex[AnyArray, "... L M"],
    noise_power: Float[ArrayLike, "..."],
    *,
    num_noise_beams: int = DEFAULT_NOISE_BEAMS,
) -> Strategy:
    """OPT's start for the given channels, at full power.

    Raises:
      InputError: a shape or dtype is wrong, or `num_noise_beams` is negative.
    """
    checks.check_channels(h_user, h_eve, noise_power)
    checks.check_at_least("num_noise_beams", num_noise_beams, 0)
    num_users = h_user.shape[-2]

    def design(user: SplitComplex, eve: SplitComplex) -> SplitComplex:
        h = algebra.concatenate([user, eve], axis=0)
        num_antennas = h.shape[1]
        reduce = h.shape[0] < num_antennas
        basis, coordinates = orthonormal_basis(h) if reduce else (None, h)
        problem = as_problem(coordinates, num_users)
        start = gpip_start.start(problem, num_users + num_noise_beams, num_antennas)
        return start.f if basis is None else algebra.combine(basis, start.f)

    u = linear.over_batch(design, over_noise(h_user, noise_power), over_noise(h_eve, noise_power))
    return Strategy(*normalise_power(u[..., :num_users], u[..., num_users:]))
