"""P1 (3)–(7) once more: plain NumPy loops over users and eavesdroppers, one channel at a time.

Written from the paper alone, to check the library against; nothing here is imported from it.
"""

import numpy as np


def user_rate(w, v, h_user, noise_power, k):
    """R_k of (3) for one channel: w [M, K], v [M, J], h_user [K, M]."""
    signal = abs(np.vdot(h_user[k], w[:, k])) ** 2
    interference = noise_power
    for i in range(w.shape[1]):
        if i != k:
            interference += abs(np.vdot(h_user[k], w[:, i])) ** 2
    for j in range(v.shape[1]):
        interference += abs(np.vdot(h_user[k], v[:, j])) ** 2
    return np.log2(1 + signal / interference)


def wiretap_rate(w, v, h_eve, noise_power, l, k):
    """R^e_{l,k} of (4)."""
    signal = abs(np.vdot(h_eve[l], w[:, k])) ** 2
    interference = noise_power
    for i in range(w.shape[1]):
        if i != k:
            interference += abs(np.vdot(h_eve[l], w[:, i])) ** 2
    for j in range(v.shape[1]):
        interference += abs(np.vdot(h_eve[l], v[:, j])) ** 2
    return np.log2(1 + signal / interference)


def colluding_rate(w, v, h_eve, noise_power, k):
    """Rate of the joint MMSE receiver over all eavesdroppers, from log-determinants."""
    received = h_eve.conj() @ w
    noise = h_eve.conj() @ v
    rest = noise @ noise.conj().T + noise_power * np.eye(h_eve.shape[0])
    for i in range(w.shape[1]):
        if i != k:
            rest = rest + np.outer(received[:, i], received[:, i].conj())
    everything = rest + np.outer(received[:, k], received[:, k].conj())
    return (np.linalg.slogdet(everything)[1] - np.linalg.slogdet(rest)[1]) / np.log(2)


def secrecy_rates(w, v, h_user, h_eve, noise_power):
    """R_k^sec of (5), [K]."""
    rates = []
    for k in range(w.shape[1]):
        worst = 0.0
        for l in range(h_eve.shape[0]):
            worst = max(worst, wiretap_rate(w, v, h_eve, noise_power, l, k))
        rates.append(max(user_rate(w, v, h_user, noise_power, k) - worst, 0.0))
    return np.array(rates)


def smooth_secrecy_rates(w, v, h_user, h_eve, noise_power, smoothing):
    """The inside of (6), [K]."""
    rates = []
    for k in range(w.shape[1]):
        leaks = np.array(
            [wiretap_rate(w, v, h_eve, noise_power, l, k) for l in range(h_eve.shape[0])]
        )
        top = leaks.max()
        soft = top + smoothing * np.log(np.exp((leaks - top) / smoothing).sum())
        rates.append(user_rate(w, v, h_user, noise_power, k) - soft)
    return np.array(rates)
