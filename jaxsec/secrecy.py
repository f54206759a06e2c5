"""Secrecy rates of the multi-user wiretap downlink, P1 (3)–(7) and (19).

Shapes: M antennas, K users, L eavesdroppers, J noise beams; batch dimensions lead and broadcast.
`w` [..., M, K] and `v` [..., M, J] hold beams as columns, `h_user` [..., K, M] and
`h_eve` [..., L, M] channels as rows, `noise_power` is σ0²/P, a scalar or of the batch shape.
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
from jaxsec.shapes import AnyArray, lift, over_noise
from jaxsec.strategy import unpack_real

LN2 = 0.6931471805599453


def received_gains(
    h: Complex[AnyArray, "... R M"], u: Complex[AnyArray, "... M N"]
) -> Complex[Array, "... R N"]:
    """Received amplitudes hᴴu: the one place where a channel is conjugated."""
    return jnp.einsum("...rm,...mn->...rn", h.conj(), u, precision="highest")


def received_powers(
    w: Complex[AnyArray, "... M K"],
    v: Complex[AnyArray, "... M J"],
    h: Complex[AnyArray, "... R M"],
    noise_power: Float[ArrayLike, "..."],
) -> tuple[Float[Array, "... R K"], Float[Array, "... R"]]:
    """Power of every beam, and of the artificial noise, at every receiver, over receiver noise."""
    h = over_noise(h, noise_power)
    return _abs2(received_gains(h, w)), jnp.sum(_abs2(received_gains(h, v)), axis=-1)


def user_rates(
    w: Complex[AnyArray, "... M K"],
    v: Complex[AnyArray, "... M J"],
    h_user: Complex[AnyArray, "... K M"],
    noise_power: Float[ArrayLike, "..."],
) -> Float[Array, "... K"]:
    """R_k of P1 (3): other beams and artificial noise count as noise."""
    _check_link(w, v, noise_power, h_user=h_user)
    beam_power, jamming = received_powers(w, v, h_user, noise_power)
    signal = jnp.diagonal(beam_power, axis1=-2, axis2=-1)
    interference = jnp.diagonal(_others(beam_power), axis1=-2, axis2=-1)
    return jnp.log1p(signal / (interference + jamming + 1.0)) / LN2


def wiretap_rates(
    w: Complex[AnyArray, "... M K"],
    v: Complex[AnyArray, "... M J"],
    h_eve: Complex[AnyArray, "... L M"],
    noise_power: Float[ArrayLike, "..."],
) -> Float[Array, "... L K"]:
    """R^e_{l,k} of P1 (4): what eavesdropper l alone can decode of user k's message."""
    _check_link(w, v, noise_power, h_eve=h_eve)
    beam_power, jamming = received_powers(w, v, h_eve, noise_power)
    return jnp.log1p(beam_power / (_others(beam_power) + jamming[..., None] + 1.0)) / LN2


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
    return jnp.log1p(jnp.sum(_abs2(whitened), axis=(-2, -1))) / LN2


def secrecy_rates(
    w: Complex[AnyArray, "... M K"],
    v: Complex[AnyArray, "... M J"],
    h_user: Complex[AnyArray, "... K M"],
    h_eve: Complex[AnyArray, "... L M"],
    noise_power: Float[ArrayLike, "..."],
    *,
    colluding: bool = False,
) -> Float[Array, "... K"]:
    """R_k^sec of P1 (5): rate above the strongest eavesdropper (`colluding`: above all)."""
    checks.check_channels(h_user, h_eve, noise_power)
    return jnp.maximum(
        user_rates(w, v, h_user, noise_power)
        - _worst_wiretap_rate(w, v, h_eve, noise_power, colluding),
        0.0,
    )


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
    """
    checks.check_channels(h_user, h_eve, noise_power)
    rate = user_rates(w, v, h_user, noise_power)
    if h_eve.shape[-2] == 0:
        return rate
    wiretap = wiretap_rates(w, v, h_eve, noise_power)
    return rate - smoothing * jax.nn.logsumexp(wiretap / smoothing, axis=-2)


def sum_secrecy_rate(
    w: Complex[AnyArray, "... M K"],
    v: Complex[AnyArray, "... M J"],
    h_user: Complex[AnyArray, "... K M"],
    h_eve: Complex[AnyArray, "... L M"],
    noise_power: Float[ArrayLike, "..."],
    *,
    user_weights: Float[ArrayLike, "... K"] | None = None,
    colluding: bool = False,
) -> Float[Array, "..."]:
    """R_sum of P1 (7), or its weighted sum: Σ_k weight_k·R_k^sec."""
    rates = secrecy_rates(w, v, h_user, h_eve, noise_power, colluding=colluding)
    if user_weights is not None:
        rates = rates * lift(user_weights, rates.ndim)
    return jnp.sum(rates, axis=-1)


def worst_user_secrecy_rate(
    w: Complex[AnyArray, "... M K"],
    v: Complex[AnyArray, "... M J"],
    h_user: Complex[AnyArray, "... K M"],
    h_eve: Complex[AnyArray, "... L M"],
    noise_power: Float[ArrayLike, "..."],
    *,
    colluding: bool = False,
) -> Float[Array, "..."]:
    """min_k R_k^sec: what the least protected user gets."""
    rates = secrecy_rates(w, v, h_user, h_eve, noise_power, colluding=colluding)
    return jnp.min(rates, axis=-1)


def secrecy_outage_probability(
    secrecy_rate: Float[Array, "n *rest"], target_rate: float | Float[Array, ""]
) -> Float[Array, "*rest"]:
    """Share of channel draws (first axis) in which `secrecy_rate` falls below `target_rate`."""
    return jnp.mean(secrecy_rate < target_rate, axis=0, dtype=secrecy_rate.dtype)


def secure_energy_efficiency(
    w: Complex[AnyArray, "... M K"],
    v: Complex[AnyArray, "... M J"],
    h_user: Complex[AnyArray, "... K M"],
    h_eve: Complex[AnyArray, "... L M"],
    noise_power: Float[ArrayLike, "..."],
    *,
    transmit_power_w: float | Float[Array, ""],
    circuit_power_w: float | Float[Array, ""],
    colluding: bool = False,
) -> Float[Array, "..."]:
    """Sum secrecy rate over the power spent on it, bit/s/Hz/W.

    The denominator is P·(‖w‖² + ‖v‖²) + circuit power. `noise_power` is σ0² over the same P.
    """
    rate = sum_secrecy_rate(w, v, h_user, h_eve, noise_power, colluding=colluding)
    return rate / (transmit_power_w * power(w, v) + circuit_power_w)


def power(w: Complex[AnyArray, "... M K"], v: Complex[AnyArray, "... M J"]) -> Float[Array, "..."]:
    """‖w‖² + ‖v‖², the left side of P1 (8), in units of P."""
    w, v = jnp.asarray(w), jnp.asarray(v)
    return jnp.sum(_abs2(w), axis=(-2, -1)) + jnp.sum(_abs2(v), axis=(-2, -1))


def project_to_budget(
    w: Complex[AnyArray, "... M K"], v: Complex[AnyArray, "... M J"]
) -> tuple[Complex[Array, "... M K"], Complex[Array, "... M J"]]:
    """Scales beams and noise together to the full budget ‖w‖² + ‖v‖² = 1; zero stays zero."""
    w, v = jnp.asarray(w), jnp.asarray(v)
    # Dividing by the largest entry first keeps the squares of tiny or huge beams in range.
    peak = jnp.maximum(
        jnp.max(_abs1(w), axis=(-2, -1), initial=0.0), jnp.max(_abs1(v), axis=(-2, -1), initial=0.0)
    )
    scale = 1.0 / jnp.where(peak > 0, peak, 1.0)
    w, v = w * scale[..., None, None], v * scale[..., None, None]
    total = power(w, v)
    scale = jax.lax.rsqrt(jnp.where(total > 0, total, 1.0))
    return w * scale[..., None, None], v * scale[..., None, None]


def secrecy_loss(
    z: Float[Array, "... D"],
    h_user: Complex[AnyArray, "... K M"],
    h_eve: Complex[AnyArray, "... L M"],
    noise_power: Float[ArrayLike, "..."],
    *,
    smoothing: float | Float[Array, ""] = 0.01,
    penalty: float = 0.001,
    target_norm: float = 1.0,
) -> Float[Array, ""]:
    """The fine-tuning loss of P1 (19): −mean(R_sum) + λ·mean((‖u‖₂ − δ)²), a real scalar.

    Args:
      z: real coordinates [Re u; Im u] of P1 (12), u = [w_1 … w_K, v_1 … v_J] stacked as in (10),
        D = 2M(K+J); J follows from D. Being real, `z` takes `jax.grad` and optax as they come.
      h_user, h_eve, noise_power: the channels.
      smoothing: α of (6), bit/s/Hz; R_sum is the smooth rate without (·)⁺.
      penalty: λ, weight of the power term.
      target_norm: δ, wanted norm of u.

    Raises:
      InputError: D is not 2M(K+J) for any J ≥ 0.
    """
    checks.check_channels(h_user, h_eve, noise_power)
    w, v = unpack_real(z, h_user.shape[-1], h_user.shape[-2])
    rate = jnp.sum(smooth_secrecy_rates(w, v, h_user, h_eve, noise_power, smoothing), axis=-1)
    total = power(w, v)
    # A zero strategy has norm 0; the guarded square root keeps its gradient finite.
    norm = jnp.where(total > 0, jnp.sqrt(jnp.where(total > 0, total, 1.0)), 0.0)
    return -jnp.mean(rate) + penalty * jnp.mean(jnp.square(norm - target_norm))


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


def _abs2(x: Complex[Array, "..."]) -> Float[Array, "..."]:
    return jnp.square(x.real) + jnp.square(x.imag)


def _abs1(x: Complex[Array, "..."]) -> Float[Array, "..."]:
    """|Re| + |Im|, a norm without the square root's trouble at zero."""
    return jnp.abs(x.real) + jnp.abs(x.imag)


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
