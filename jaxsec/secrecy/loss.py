"""The fine-tuning loss of P1 (19)."""

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float

from jaxsec import checks
from jaxsec.compiled import compiled
from jaxsec.secrecy.power import power
from jaxsec.secrecy.rates import smooth_secrecy_rates
from jaxsec.shapes import AnyArray
from jaxsec.strategy import unpack_real


@compiled()
def secrecy_loss(
    z: Float[Array, "... D"],
    h_user: Complex[AnyArray, "... K M"],
    h_eve: Complex[AnyArray, "... L M"],
    noise_power: Float[ArrayLike, "..."],
    *,
    smoothing: float | Float[Array, ""] = 0.01,
    penalty: float | Float[Array, ""] = 0.001,
    target_norm: float | Float[Array, ""] = 1.0,
) -> Float[Array, ""]:
    """The fine-tuning loss of P1 (19): −mean(R_sum) + λ·mean((‖u‖₂ − δ)²), a real scalar.

    >>> channels = jaxsec.sample_channels(jax.random.key(0), jaxsec.Scenario(), 4)
    >>> z = jax.random.normal(jax.random.key(1), (4, 2 * 8 * (2 + 2)))
    >>> slope = jax.grad(secrecy_loss)(z, *channels)
    >>> slope.shape, bool(jnp.isfinite(slope).all())
    ((4, 64), True)

    Args:
      z: real coordinates [Re u; Im u] of P1 (12), u = [w_1 … w_K, v_1 … v_J] stacked as in (10),
        [..., D] with D = 2M(K+J); J follows from D. Being real, `z` takes `jax.grad` and optax as
        they come.
      h_user: users' channels as rows, [..., K, M].
      h_eve: eavesdroppers' channels as rows, [..., L, M]; L = 0 is allowed.
      noise_power: σ0²/P, receiver noise over transmit power in units of |h|², a scalar or [...].
      smoothing: α of (6), bit/s/Hz; R_sum is the smooth rate without (·)⁺.
      penalty: λ, weight of the power term.
      target_norm: δ, wanted norm of u.

    Returns:
      A scalar, bit/s/Hz.

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
