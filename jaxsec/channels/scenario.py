"""What random channels are drawn from, and how a batch of them is held.

Shapes: n channels, M antennas, K users, L eavesdroppers. A base station with a half-wavelength
array, a uniform linear one along the y axis unless the scenario says otherwise, stands at the
origin; distances are in metres and horizontal. The defaults are P1's, Section IV.
"""

import dataclasses
import math
from typing import Literal, NamedTuple, get_args

from jaxtyping import Array, Complex, Float

from jaxsec import checks, units
from jaxsec.shapes import AnyArray

Fading = Literal["rayleigh", "clustered"]
Antennas = Literal["linear", "planar"]


@dataclasses.dataclass(frozen=True)
class Scenario:
    """What a random channel is drawn from; the defaults are P1's.

    Raises:
      InputError: a count, distance or factor is out of its range, or has no effect with the fading.
    """

    num_antennas: int = 8
    """M, antennas at the base station."""
    num_users: int = 2
    """K, single-antenna users."""
    num_eavesdroppers: int = 4
    """L, single-antenna eavesdroppers; 0 for none."""
    transmit_power_dbm: float = 20.0
    """P, total transmit power."""
    noise_power_dbm: float = -100.0
    """σ0², noise power at every receiver."""
    min_distance_m: float = 50.0
    """Inner radius of the ring the users stand on."""
    max_distance_m: float = 80.0
    """Outer radius of that ring."""
    eavesdropper_radius_m: float = 5.0
    """Each eavesdropper stands within this distance of a random user."""
    reference_gain_db: float = -30.0
    """Path gain at 1 m."""
    path_loss_exponent: float = 2.2
    """Slope of the path loss: 10 × this, in dB a decade."""
    rician_factor: float = 0.0
    """Line-of-sight over scattered power, linear; 0 is Rayleigh fading."""
    antenna_correlation: float = 0.0
    """Correlation of the scattered part at neighbouring antennas; it decays exponentially."""
    fading: Fading = "rayleigh"
    """Rayleigh, Rician with a `rician_factor`; or clustered multipath, in which receivers near one
    another share their angles of departure."""
    num_clusters: int = 4
    """Clusters of scatterers around a user, of random power; clustered fading only."""
    angular_spread_deg: float = 5.0
    """Standard deviation of the azimuths within a cluster; clustered fading only."""
    array: Antennas = "linear"
    """Linear, or planar with rows × columns nearest to a square; clustered fading only."""
    base_height_m: float = 10.0
    """Height of the base station over the receivers; planar arrays only."""

    def __post_init__(self) -> None:
        checks.check_at_least("num_antennas", self.num_antennas, 1)
        checks.check_at_least("num_users", self.num_users, 1)
        checks.check_at_least("num_eavesdroppers", self.num_eavesdroppers, 0)
        checks.check_positive("min_distance_m", self.min_distance_m)
        checks.require(
            math.isfinite(self.max_distance_m) and self.max_distance_m >= self.min_distance_m,
            f"`max_distance_m` must be at least `min_distance_m` = {self.min_distance_m}, "
            f"but is {self.max_distance_m}",
        )
        for name in ("eavesdropper_radius_m", "path_loss_exponent", "rician_factor"):
            value = getattr(self, name)
            checks.require(
                math.isfinite(value) and value >= 0,
                f"`{name}` must not be negative, but is {value}",
            )
        for name in ("transmit_power_dbm", "noise_power_dbm", "reference_gain_db"):
            value = getattr(self, name)
            checks.require(math.isfinite(value), f"`{name}` must be finite, but is {value}")
        checks.require(
            0.0 <= self.antenna_correlation < 1.0,
            f"`antenna_correlation` must lie in [0, 1), but is {self.antenna_correlation}",
        )
        self._check_clusters()

    def _check_clusters(self) -> None:
        for name, kinds in (("fading", Fading), ("array", Antennas)):
            value, wanted = getattr(self, name), get_args(kinds)
            checks.require(
                value in wanted, f"`{name}` must be one of {', '.join(wanted)}, but is {value!r}"
            )
        checks.check_at_least("num_clusters", self.num_clusters, 1)
        checks.require(
            0.0 <= self.angular_spread_deg <= 180.0,
            f"`angular_spread_deg` must lie in [0, 180], but is {self.angular_spread_deg}",
        )
        checks.require(
            math.isfinite(self.base_height_m) and self.base_height_m >= 0.0,
            f"`base_height_m` must not be negative, but is {self.base_height_m}",
        )
        unheeded = {
            "rayleigh": ("num_clusters", "angular_spread_deg", "array", "base_height_m"),
            "clustered": ("antenna_correlation",),
        }
        for fading, names in unheeded.items():
            if fading == self.fading:
                self._check_defaults(names, f"{fading} fading")
        if self.array == "linear":
            self._check_defaults(("base_height_m",), "a linear array")

    def _check_defaults(self, names: tuple[str, ...], by: str) -> None:
        for name in names:
            value, default = getattr(self, name), getattr(Scenario, name)
            checks.require(
                value == default,
                f"`{name}` is not heeded by {by}: leave it at {default}, but it is {value}",
            )

    @property
    def noise_power(self) -> float:
        """σ0²/P, linear: the `noise_power` argument of every other function."""
        return units.noise_over_power(self.noise_power_dbm, self.transmit_power_dbm)


class Channels(NamedTuple):
    """A batch of channels, in the order that rates and designs take them."""

    h_user: Complex[AnyArray, "n K M"]
    h_eve: Complex[AnyArray, "n L M"]
    noise_power: Float[AnyArray, "n"]
    """Or [n, K + L], one for each receiver, users first (`receiver_noise`)."""


class Geometry(NamedTuple):
    """Positions in metres, the base station at the origin; the last axis is (x, y)."""

    users: Float[Array, "n K 2"]
    eavesdroppers: Float[Array, "n L 2"]
