"""Rates of users and eavesdroppers, P1 (3)–(6).

Shapes: M antennas, K users, L eavesdroppers, J noise beams; batch dimensions lead and broadcast.
`w` [..., M, K] and `v` [..., M, J] hold beams as columns, `h_user` [..., K, M] and
`h_eve` [..., L, M] channels as rows, `noise_power` is σ0²/P, a scalar or of the batch shape.
Where receivers differ in noise, `Channels` hold it (`channels.receiver_noise`).
Rates are in bit/s/Hz. Everything is pure, differentiable, and finite for finite input with
positive noise: interference is a masked sum of powers, never total minus signal, which in float32
cancels to nothing at 50 dB.

Gradients. `jax.grad` of a real function of complex beams returns the *conjugate* of the direction
of ascent (JAX's convention). Either conjugate before the optimiser,

    grads = jax.tree.map(jnp.conj, jax.grad(loss)(beams))

or optimise real coordinates, as `secrecy_loss` does.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float

from jaxsec import checks
from jaxsec.channels.arguments import together
from jaxsec.compiled import compiled
from jaxsec.shapes import AnyArray, abs2, lift, over_noise

LN2 = 0.6931471805599453


def received_gains(
    h: Complex[AnyArray, "... R M"], u: Complex[AnyArray, "... M N"]
) -> Complex[Array, "... R N"]:
    """Received amplitudes hᴴu: the one place where a channel is conjugated.

    >>> h, u = jnp.array([[1j, 0.0]]), jnp.array([[1.0], [0.0]], complex)
    >>> complex(received_gains(h, u)[0, 0])
    -1j

    Args:
      h: channels as rows, [..., R, M].
      u: beams as columns, [..., M, N].

    Returns:
      [..., R, N], complex amplitudes.
    """
    return jnp.einsum("...rm,...mn->...rn", h.conj(), u, precision="highest")


@compiled()
def received_powers(
    w: Complex[AnyArray, "... M K"],
    v: Complex[AnyArray, "... M J"],
    h: Complex[AnyArray, "... R M"],
    noise_power: Float[ArrayLike, "..."],
) -> tuple[Float[Array, "... R K"], Float[Array, "... R"]]:
    """Power of every beam, and of the artificial noise, at every receiver, over receiver noise.

    >>> h, w = jnp.array([[1.0, 0.0]], complex), jnp.array([[0.6], [0.8]], complex)
    >>> beam, jamming = received_powers(w, w[:, :0], h, 0.1)
    >>> round(float(beam[0, 0]), 3), float(jamming[0])
    (3.6, 0.0)

    Args:
      w: beams as columns, [..., M, K].
      v: artificial noise as columns, [..., M, J].
      h: channels of R receivers as rows, [..., R, M].
      noise_power: σ0²/P, receiver noise over transmit power in units of |h|², a scalar or [...].

    Returns:
      Power of each beam [..., R, K] and of all noise [..., R], both over the receiver's noise.
    """
    h = over_noise(h, noise_power)
    return abs2(received_gains(h, w)), jnp.sum(abs2(received_gains(h, v)), axis=-1)


@together
@compiled()
def user_rates(
    w: Complex[AnyArray, "... M K"],
    v: Complex[AnyArray, "... M J"],
    h_user: Complex[AnyArray, "... K M"],
    noise_power: Float[ArrayLike, "..."],
) -> Float[Array, "... K"]:
    """R_k of P1 (3): other beams and artificial noise count as noise.

    >>> h, w = jnp.array([[1.0, 0.0]], complex), jnp.array([[1.0], [0.0]], complex)
    >>> round(float(user_rates(w, w[:, :0], h, 0.1)[0]), 4)  # log2(1 + 10)
    3.4594

    Args:
      w: beams as columns, [..., M, K].
      v: artificial noise as columns, [..., M, J].
      h_user: users' channels as rows, [..., K, M].
      noise_power: σ0²/P, receiver noise over transmit power in units of |h|², a scalar or [...].

    Returns:
      [..., K], bit/s/Hz.

    Raises:
      InputError: a shape or dtype does not fit.
    """
    _check_link(w, v, noise_power, h_user=h_user)
    beam_power, jamming = received_powers(w, v, h_user, noise_power)
    signal = jnp.diagonal(beam_power, axis1=-2, axis2=-1)
    interference = jnp.diagonal(_others(beam_power), axis1=-2, axis2=-1)
    return jnp.log1p(signal / (interference + jamming + 1.0)) / LN2


@together
@compiled()
def wiretap_rates(
    w: Complex[AnyArray, "... M K"],
    v: Complex[AnyArray, "... M J"],
    h_eve: Complex[AnyArray, "... L M"],
    noise_power: Float[ArrayLike, "..."],
) -> Float[Array, "... L K"]:
    """R^e_{l,k} of P1 (4): what eavesdropper l alone can decode of user k's message.

    >>> g, w = jnp.array([[0.6, 0.8]], complex), jnp.array([[1.0], [0.0]], complex)
    >>> round(float(wiretap_rates(w, w[:, :0], g, 0.1)[0, 0]), 4)  # log2(1 + 3.6)
    2.2016

    Args:
      w: beams as columns, [..., M, K].
      v: artificial noise as columns, [..., M, J].
      h_eve: eavesdroppers' channels as rows, [..., L, M]; L = 0 is allowed.
      noise_power: σ0²/P, receiver noise over transmit power in units of |h|², a scalar or [...].

    Returns:
      [..., L, K], bit/s/Hz.

    Raises:
      InputError: a shape or dtype does not fit.
    """
    _check_link(w, v, noise_power, h_eve=h_eve)
    beam_power, jamming = received_powers(w, v, h_eve, noise_power)
    return jnp.log1p(beam_power / (_others(beam_power) + jamming[..., None] + 1.0)) / LN2


@together
@compiled()
def colluding_wiretap_rates(
    w: Complex[AnyArray, "... M K"],
    v: Complex[AnyArray, "... M J"],
    h_eve: Complex[AnyArray, "... L M"],
    noise_power: Float[ArrayLike, "..."],
) -> Float[Array, "... K"]:
    """Rate of all eavesdroppers together on user k's message, by joint MMSE combining.

    log2(1 + aᴴC⁻¹a), a the L received amplitudes of beam k and C the covariance of all the rest;
    the linear receiver of largest SINR (Tse & Viswanath, Fundamentals of Wireless Communication,
    8.3.3). Never below the largest of `wiretap_rates`; 0 without eavesdroppers.

    >>> g, w = jnp.array([[0.6, 0.8], [0.6, 0.8]], complex), jnp.array([[1.0], [0.0]], complex)
    >>> round(float(colluding_wiretap_rates(w, w[:, :0], g, 0.1)[0]), 4)  # log2(1 + 2·3.6)
    3.0356

    Args:
      w: beams as columns, [..., M, K].
      v: artificial noise as columns, [..., M, J].
      h_eve: eavesdroppers' channels as rows, [..., L, M]; L = 0 is allowed.
      noise_power: σ0²/P, receiver noise over transmit power in units of |h|², a scalar or [...].

    Returns:
      [..., K], bit/s/Hz.

    Raises:
      InputError: a shape or dtype does not fit.
    """
    _check_link(w, v, noise_power, h_eve=h_eve)
    num_eves, num_users = h_eve.shape[-2], w.shape[-1]
    h = over_noise(h_eve, noise_power)
    beams, jamming = received_gains(h, w), received_gains(h, v)  # [..., L, K], [..., L, J]
    if num_eves == 0:
        return jnp.zeros((*beams.shape[:-2], num_users), beams.real.dtype)
    others = 1.0 - jnp.eye(num_users, dtype=beams.real.dtype)
    covariance = (
        jnp.einsum("...li,ki,...mi->...klm", beams, others, beams.conj(), precision="highest")
        + jnp.einsum("...lj,...mj->...lm", jamming, jamming.conj(), precision="highest")[
            ..., None, :, :
        ]
        + lift(jnp.eye(num_eves, dtype=beams.dtype), beams.ndim + 1)
    )  # [..., K, L, L]
    signal = jnp.swapaxes(beams, -1, -2)[..., None]  # [..., K, L, 1]
    whitened = jax.lax.linalg.triangular_solve(
        jnp.linalg.cholesky(covariance), signal, left_side=True, lower=True
    )
    return jnp.log1p(jnp.sum(abs2(whitened), axis=(-2, -1))) / LN2


@together
@compiled("colluding")
def secrecy_rates(
    w: Complex[AnyArray, "... M K"],
    v: Complex[AnyArray, "... M J"],
    h_user: Complex[AnyArray, "... K M"],
    h_eve: Complex[AnyArray, "... L M"],
    noise_power: Float[ArrayLike, "..."],
    *,
    colluding: bool = False,
) -> Float[Array, "... K"]:
    """R_k^sec of P1 (5): rate above the strongest eavesdropper (`colluding`: above all).

    >>> h, g = jnp.array([[1.0, 0.0]], complex), jnp.array([[0.6, 0.8]], complex)
    >>> w = jnp.array([[1.0], [0.0]], complex)
    >>> round(float(secrecy_rates(w, w[:, :0], h, g, 0.1)[0]), 4)  # log2(11 / 4.6)
    1.2578

    Args:
      w: beams as columns, [..., M, K].
      v: artificial noise as columns, [..., M, J].
      h_user: users' channels as rows, [..., K, M].
      h_eve: eavesdroppers' channels as rows, [..., L, M]; L = 0 is allowed.
      noise_power: σ0²/P, receiver noise over transmit power in units of |h|², a scalar or [...].
      colluding: eavesdroppers decode together (`colluding_wiretap_rates`).

    Returns:
      [..., K], bit/s/Hz, never negative.

    Raises:
      InputError: a shape or dtype does not fit.
    """
    checks.check_channels(h_user, h_eve, noise_power)
    return jnp.maximum(
        user_rates(w, v, h_user, noise_power)
        - _worst_wiretap_rate(w, v, h_eve, noise_power, colluding),
        0.0,
    )


@together
@compiled()
def smooth_secrecy_rates(
    w: Complex[AnyArray, "... M K"],
    v: Complex[AnyArray, "... M J"],
    h_user: Complex[AnyArray, "... K M"],
    h_eve: Complex[AnyArray, "... L M"],
    noise_power: Float[ArrayLike, "..."],
    smoothing: float | Float[Array, ""] = 0.01,
) -> Float[Array, "... K"]:
    """The inside of P1 (6): R_k − α·log Σ_l exp(R^e_{l,k}/α), α = `smoothing` in bit/s/Hz.

    The training form: without (·)⁺, whose gradient is zero where a user most needs one, so it may
    be negative. Lies between R_k − max_l R^e − smoothing·ln L and R_k − max_l R^e.

    >>> h, g = jnp.array([[0.6, 0.8]], complex), jnp.array([[1.0, 0.0]], complex)
    >>> w = jnp.array([[1.0], [0.0]], complex)
    >>> round(float(smooth_secrecy_rates(w, w[:, :0], h, g, 0.1)[0]), 4)
    -1.2578

    Args:
      w: beams as columns, [..., M, K].
      v: artificial noise as columns, [..., M, J].
      h_user: users' channels as rows, [..., K, M].
      h_eve: eavesdroppers' channels as rows, [..., L, M]; L = 0 is allowed.
      noise_power: σ0²/P, receiver noise over transmit power in units of |h|², a scalar or [...].
      smoothing: α, positive, bit/s/Hz.

    Returns:
      [..., K], bit/s/Hz.

    Raises:
      InputError: a shape or dtype does not fit.
    """
    checks.check_channels(h_user, h_eve, noise_power)
    rate = user_rates(w, v, h_user, noise_power)
    if h_eve.shape[-2] == 0:
        return rate
    wiretap = wiretap_rates(w, v, h_eve, noise_power)
    return rate - smoothing * jax.nn.logsumexp(wiretap / smoothing, axis=-2)


def _worst_wiretap_rate(w, v, h_eve, noise_power, colluding: bool) -> Float[Array, "... K"]:
    if colluding:
        return colluding_wiretap_rates(w, v, h_eve, noise_power)
    # Rates are not negative: the initial value is the answer for L = 0 and changes no other.
    return jnp.max(wiretap_rates(w, v, h_eve, noise_power), axis=-2, initial=0.0)


def _others(beam_power: Float[Array, "... R K"]) -> Float[Array, "... R K"]:
    """At [r, k]: the power receiver r hears of all beams but k, as a sum of non-negative terms."""
    num_users = beam_power.shape[-1]
    mask = 1.0 - jnp.eye(num_users, dtype=beam_power.dtype)
    return jnp.einsum("...ri,ik->...rk", beam_power, mask, precision="highest")


def _check_link(w, v, noise_power, **channel: AnyArray) -> None:
    ((name, h),) = channel.items()
    for array_name, array, wanted in (
        ("w", w, "[..., M, K]"),
        ("v", v, "[..., M, J]"),
        (name, h, "[..., K, M]" if name == "h_user" else "[..., L, M]"),
    ):
        checks.check_rank(array_name, array, wanted)
        checks.check_complex(array_name, array)
    num_antennas = h.shape[-1]
    for array_name, array in (("w", w), ("v", v)):
        checks.require(
            array.shape[-2] == num_antennas,
            f"`{array_name}` must have M = {num_antennas} rows, the antennas of `{name}`, "
            f"but has shape {array.shape}",
        )
    if name == "h_user":
        checks.require(
            w.shape[-1] == h.shape[-2],
            f"`w` must have one column for each of the K = {h.shape[-2]} users, "
            f"but has shape {w.shape}",
        )
    checks.check_batches(w=(w, 2), v=(v, 2), **{name: (h, 2)}, noise_power=(noise_power, 0))
