"""What a jamming slot is drawn from, and what it is judged by."""

import dataclasses
import math
from typing import Literal, get_args

from jaxsec import checks
from jaxsec.jamming import metrics
from jaxsec.jamming.metrics import NamedMetric

Fading = Literal["block", "gauss-markov"]
"""Every slot a new geometry and fading, or fading that lasts in a geometry that stays."""
PowerSteps = Literal["decibel", "watt"]
Knowledge = Literal["exact", "noisy", "hidden", "sensed"]
"""What is observed of eavesdroppers, as `jaxsec.jamming.knowledge` has it."""
REGIMES = ("near-users", "near-access-points", "far")
"""Where the eavesdroppers of a slot can be."""

MAX_SNR_DB = 200.0
"""Beyond it, float32 would overflow."""


@dataclasses.dataclass(frozen=True)
class JammingScenario:
    """P2, Section V-A, with the numbers that it leaves open; the defaults are scenario `paper`.

    Access points stand on a square grid. User u stands around access point u mod A, which serves
    it; all others jam it and its eavesdroppers.

    Raises:
      InputError: a number is out of its range, or a metric is unknown.
    """

    num_access_points: int = 3
    """A."""
    num_users: int = 3
    """U."""
    num_eavesdroppers: int = 2
    """E, not colluding; 0 for none."""
    spacing_m: float = 60.0
    """Of the grid that access points stand on."""
    user_radius_m: float = 30.0
    """Users stand within this distance of their access point."""
    eavesdropper_radius_m: float = 5.0
    """And eavesdroppers within this distance of a random user or access point,"""
    far_radius_m: float = 150.0
    """or within this distance of the grid's middle."""
    regimes: tuple[float, float, float] = (1.0, 0.0, 0.0)
    """Shares of slots whose eavesdroppers are near users, near access points, and far."""
    line_of_sight: float = 0.0
    """Share of slots with a line of sight on all links."""
    rician_factor: float = 10.0
    """Line-of-sight over scattered power there, linear."""
    reference_gain_db: float = -30.0
    """Path gain at 1 m and nearer."""
    path_loss_exponent: float = 3.0
    """Slope of the path loss: 10 × this, in dB a decade."""
    noise_power_dbm: float = -90.0
    """At every receiver."""
    min_power_w: float = 0.001
    """Least transmit power of an access point."""
    max_power_w: float = 0.1
    """Most transmit power of an access point."""
    power_steps: PowerSteps = "decibel"
    """What even steps of an action are even steps in."""
    circuit_power_w: float = 0.1
    """What an access point needs beside it. Without any, least power is nearly optimal."""
    target_rate: float = 1.0
    """Secrecy rate below which a user is in outage, bit/s/Hz."""
    metrics: tuple[tuple[NamedMetric, float], ...] = (
        ("secrecy_rate", 1.0),
        ("secure_energy_efficiency", 1.0),
    )
    """What the reward is the weighted sum of: names of `metrics.METRICS`, functions, or both."""
    knowledge: Knowledge = "exact"
    """What is observed of eavesdroppers: their gains, those with an error, nothing, or where a
    detector says that they are."""
    gain_error_db: float = 6.0
    """Standard deviation of noisy levels."""
    detection_probability: float = 0.8
    """Of a detector's being right."""
    preferences: bool = False
    """Whether each slot weighs the metrics anew, by observed factors uniform on those of mean 1."""
    fading: Fading = "block"
    """Independent slots, or Gauss–Markov fading in a geometry that stays for an episode."""
    correlation: float = 0.9
    """Of Gauss–Markov fading from slot to slot."""
    battery: float | None = None
    """Capacity of every access point's battery, in slots of full power; None for mains."""
    harvest: float = 0.1
    """What a battery harvests in a slot in the mean, in slots of full power,"""
    harvest_probability: float = 1.0
    """and the share of slots in which it does, an equal part in each."""
    episode_length: int = 16
    """Slots until a new start."""

    def __post_init__(self) -> None:
        # A scenario is hashed wherever a function is compiled for it.
        object.__setattr__(self, "regimes", tuple(self.regimes))
        object.__setattr__(self, "metrics", tuple(tuple(pair) for pair in self.metrics))
        for name, least in (
            ("num_access_points", 1),
            ("num_users", 1),
            ("num_eavesdroppers", 0),
            ("episode_length", 1),
        ):
            checks.check_at_least(name, getattr(self, name), least)
        for name in ("spacing_m", "user_radius_m", "eavesdropper_radius_m", "far_radius_m"):
            _check_not_negative(name, getattr(self, name))
        for name in ("path_loss_exponent", "rician_factor", "circuit_power_w", "target_rate"):
            _check_not_negative(name, getattr(self, name))
        _check_not_negative("gain_error_db", self.gain_error_db)
        checks.require(
            len(self.regimes) == 3 and min(self.regimes) >= 0 and 0 < sum(self.regimes) < math.inf,
            f"`regimes` must be three shares, one above 0, but is {self.regimes}",
        )
        checks.check_fraction("line_of_sight", self.line_of_sight)
        checks.check_fraction("correlation", self.correlation)
        checks.check_fraction("detection_probability", self.detection_probability)
        checks.require(
            self.fading in ("block", "gauss-markov"),
            f"`fading` must be block or gauss-markov, but is {self.fading!r}",
        )
        checks.require(
            self.knowledge in get_args(Knowledge),
            f"`knowledge` must be one of {', '.join(get_args(Knowledge))}, "
            f"but is {self.knowledge!r}",
        )
        self._check_powers()
        _check_battery(self)
        self._check_metrics()

    def _check_powers(self) -> None:
        checks.require(
            math.isfinite(self.noise_power_dbm),
            f"`noise_power_dbm` must be finite, but is {self.noise_power_dbm}",
        )
        checks.require(
            self.reference_gain_db < math.inf,
            f"`reference_gain_db` must be finite, or -inf for no gain at all, "
            f"but is {self.reference_gain_db}",
        )
        checks.require(
            self.power_steps in ("decibel", "watt"),
            f"`power_steps` must be decibel or watt, but is {self.power_steps!r}",
        )
        _check_not_negative("min_power_w", self.min_power_w)
        checks.require(
            self.min_power_w > 0 or self.power_steps == "watt",
            "`min_power_w` must be positive where power steps are in decibel, but is 0",
        )
        checks.require(
            self.min_power_w + self.circuit_power_w > 0,
            "`min_power_w` or `circuit_power_w` must be above 0, but both are 0",
        )
        checks.require(
            math.isfinite(self.max_power_w) and self.max_power_w > self.min_power_w,
            f"`max_power_w` must be above `min_power_w` = {self.min_power_w}, "
            f"but is {self.max_power_w}",
        )
        most_db = self.reference_gain_db - self.noise_power_dbm + 30.0
        most_db += 10.0 * math.log10(self.max_power_w)
        checks.require(
            most_db <= MAX_SNR_DB,
            "`reference_gain_db`, `noise_power_dbm` and `max_power_w` must give an SNR at 1 m of "
            f"at most {MAX_SNR_DB:g} dB, but give {most_db:g} dB",
        )

    def _check_metrics(self) -> None:
        checks.require(len(self.metrics) > 0, "`metrics` must name at least one metric")
        for metric, weight in self.metrics:
            metrics.get(metric)
            checks.require(
                math.isfinite(weight),
                f"`metrics` must have finite weights, but has {metrics.name(metric)}={weight}",
            )
        metrics.check_names([metric for metric, _ in self.metrics])


def _check_battery(scenario: JammingScenario) -> None:
    if scenario.battery is not None:
        checks.check_positive("battery", scenario.battery)
    _check_not_negative("harvest", scenario.harvest)
    checks.check_fraction("harvest_probability", scenario.harvest_probability)
    checks.check_positive("harvest_probability", scenario.harvest_probability)


def _check_not_negative(name: str, value: float) -> None:
    checks.require(
        math.isfinite(value) and value >= 0,
        f"`{name}` must be finite and not negative, but is {value}",
    )


_DENSE = JammingScenario(
    num_access_points=8,
    num_users=8,
    num_eavesdroppers=4,
    regimes=(1.0, 1.0, 1.0),
    line_of_sight=0.5,
    metrics=(("secrecy_rate", 1.0), ("outage", 2.0)),
)
SCENARIOS = {
    "paper": JammingScenario(),
    "dense": _DENSE,
    "noisy": dataclasses.replace(_DENSE, knowledge="noisy"),
    "sensed": dataclasses.replace(_DENSE, knowledge="sensed"),
    "hidden": dataclasses.replace(_DENSE, knowledge="hidden"),
    "battery": JammingScenario(
        metrics=(("secrecy_rate", 1.0),),
        fading="gauss-markov",
        battery=0.5,
        harvest=0.05,
        harvest_probability=0.5,
        episode_length=64,
    ),
}
"""`paper`: P2's case study. `dense`: more access points, mixed regimes, outage in the reward.
`noisy`, `sensed` and `hidden`: `dense`, of whose eavesdroppers less and less is known. `battery`:
`paper` with batteries that harvest, which take the place of energy efficiency in the reward."""
