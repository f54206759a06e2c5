"""Rates, metrics and reward of P2 in plain NumPy loops."""

import numpy as np


def secrecy_rates(power, gain_user, gain_eve):
    """[U] for power [A], gain_user [U, A], gain_eve [E, A]."""
    num_users, num_aps = gain_user.shape
    rates = []
    for u in range(num_users):
        own = u % num_aps
        taking_turns = sum(1 for other in range(num_users) if other % num_aps == own)
        rate = np.log2(1 + _sinr(power, gain_user[u], own))
        overheard = max((np.log2(1 + _sinr(power, g, own)) for g in gain_eve), default=0.0)
        rates.append(max(rate - overheard, 0.0) / taking_turns)
    return np.array(rates)


def _sinr(power, gain, own):
    interference = sum(power[a] * gain[a] for a in range(len(power)) if a != own)
    return power[own] * gain[own] / (1.0 + interference)


def metrics(power, rates, circuit_power, target_rate):
    """Every metric by its name."""
    efficiency = 0.0
    for u, rate in enumerate(rates):
        efficiency += rate / (power[u % len(power)] + circuit_power)
    return {
        "secrecy_rate": sum(rates),
        "secure_energy_efficiency": efficiency,
        "worst_user": min(rates),
        "outage": -float(sum(rate < target_rate for rate in rates)),
        "power": -sum(power),
    }
