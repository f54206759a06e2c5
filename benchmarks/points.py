"""Points of P1's figures as the benchmarks write them: (M, K, L, power in dBm, noise in dBm)."""

import jaxsec

Point = tuple[int, int, int, float, float]


def scenario(point: Point) -> jaxsec.Scenario:
    """The scenario of a point; all else is P1's."""
    antennas, users, eves, power_dbm, noise_dbm = point
    return jaxsec.Scenario(
        num_antennas=antennas,
        num_users=users,
        num_eavesdroppers=eves,
        transmit_power_dbm=power_dbm,
        noise_power_dbm=noise_dbm,
    )


def named(point: Point) -> dict[str, float]:
    """A point as part of a report."""
    return dict(zip(("M", "K", "L", "power_dbm", "noise_dbm"), point, strict=True))
