"""The rates inside a compiled program, as their users run them; call by call takes seconds a shape,
each operation being compiled alone."""

import jax

import jaxsec
from jaxsec import secrecy

user_rates = jax.jit(jaxsec.user_rates)
wiretap_rates = jax.jit(secrecy.wiretap_rates)
colluding_wiretap_rates = jax.jit(secrecy.colluding_wiretap_rates)
secrecy_rates = jax.jit(jaxsec.secrecy_rates, static_argnames="colluding")
smooth_secrecy_rates = jax.jit(jaxsec.smooth_secrecy_rates)
sum_secrecy_rate = jax.jit(jaxsec.sum_secrecy_rate, static_argnames="colluding")
worst_user_secrecy_rate = jax.jit(jaxsec.worst_user_secrecy_rate)
secure_energy_efficiency = jax.jit(jaxsec.secure_energy_efficiency)
