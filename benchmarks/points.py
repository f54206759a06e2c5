"""Points of P1's figures: what changes from one to the next, all else being P1's."""

from typing import NamedTuple

from jaxsec import Scenario


class Point(NamedTuple):
    """A scenario by what P1 varies."""

    M: int = 8
    """Antennas."""
    K: int = 2
    """Users."""
    L: int = 4
    """Eavesdroppers."""
    power_dbm: float = 20.0
    """Transmit power."""
    noise_dbm: float = -100.0
    """Noise power of a receiver."""

    def scenario(self) -> Scenario:
        """All else is P1's."""
        return Scenario(
            num_antennas=self.M,
            num_users=self.K,
            num_eavesdroppers=self.L,
            transmit_power_dbm=self.power_dbm,
            noise_power_dbm=self.noise_dbm,
        )


DEFAULT = Point()
FIGURE_4A = {power: Point(power_dbm=float(power)) for power in range(0, 31, 5)}
"""By transmit power in dBm."""
FIGURE_4B = {eves: Point(K=4, L=eves) for eves in range(2, 9)}
"""By the number of eavesdroppers."""
FIGURE_4C = {users: Point(K=users, L=2) for users in range(2, 7)}
"""By the number of users."""
FIGURE_4D = {noise: Point(K=4, L=2, noise_dbm=float(noise)) for noise in range(-110, -69, 10)}
"""By noise power in dBm."""
