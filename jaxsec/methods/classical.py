"""Methods without learning: linear precoders, RZF-NS, and the power iterations."""

import dataclasses
import math
from typing import Any

from jaxtyping import Array, Key

from jaxsec import checks
from jaxsec.channels import Channels
from jaxsec.channels.knowledge import Posterior, diagonal_loading
from jaxsec.methods.method import Designed, compiled, only_mean
from jaxsec.precoding import first_order, gpip, linear
from jaxsec.precoding.problem import DEFAULT_NOISE_BEAMS
from jaxsec.secrecy import Objective, OverDraws, PowerConstraint, Sum, TotalPower
from jaxsec.secrecy.rows import over_channels
from jaxsec.strategy import Strategy


@dataclasses.dataclass(frozen=True)
class Mrt:
    """Maximum-ratio transmission without artificial noise (`precoding.linear.mrt`)."""

    def __call__(self, key: Key[Array, ""], channels: Channels) -> Designed:
        del key
        return _without_noise(compiled(linear.mrt, channels.h_user))


@dataclasses.dataclass(frozen=True)
class Zf:
    """Zero-forcing without artificial noise (`precoding.linear.zf`)."""

    def __call__(self, key: Key[Array, ""], channels: Channels) -> Designed:
        del key
        return _without_noise(compiled(linear.zf, channels.h_user))


@dataclasses.dataclass(frozen=True)
class Rzf:
    """Regularised zero-forcing without artificial noise (`precoding.linear.rzf`)."""

    def __call__(self, key: Key[Array, ""], channels: Channels) -> Designed:
        del key
        return _without_noise(compiled(linear.rzf, channels.h_user, channels.noise_power))


@dataclasses.dataclass(frozen=True)
class RzfNs:
    """RZF-NS: regularised zero-forcing and null-space noise (`precoding.linear.rzf_ns`).

    Raises:
      InputError: an option is out of its range.
    """

    signal_fraction: float | None = None
    """Share of the power for data; by default searched for every channel."""
    num_noise_beams: int | None = None
    """J, noise beams aimed at the eavesdroppers; by default the whole null space, M-K."""

    def __post_init__(self) -> None:
        if self.signal_fraction is not None:
            checks.check_fraction("signal_fraction", self.signal_fraction)
        if self.num_noise_beams is not None:
            checks.check_at_least("num_noise_beams", self.num_noise_beams, 0)

    def __call__(self, key: Key[Array, ""], channels: Channels) -> Designed:
        del key
        return Designed(compiled(linear.rzf_ns, *channels, **dataclasses.asdict(self)))


@dataclasses.dataclass(frozen=True)
class Gpip:
    """OPT: annealed and searched generalised power iteration (`precoding.gpip.opt`).

    Raises:
      InputError: an option is out of its range.
    """

    num_starts: int = 1
    """Starting points of the iteration, of which the best result is kept."""
    num_noise_beams: int | None = None
    """J, noise beams; by default 2, and as many as colluding eavesdroppers have to be jammed with,
    min(L, M-K), where those are more."""
    num_steps: int = gpip.DEFAULT_STEPS
    """Steps of the power iteration; the ascent takes half as many again, for least power more than
    twice as many."""

    def __post_init__(self) -> None:
        checks.check_at_least("num_starts", self.num_starts, 1)
        if self.num_noise_beams is not None:
            checks.check_at_least("num_noise_beams", self.num_noise_beams, 0)
        checks.check_at_least("num_steps", self.num_steps, 1)

    def __call__(self, key: Key[Array, ""], channels: Channels) -> Designed:
        found = gpip.opt(
            *channels,
            num_noise_beams=self._noise_beams,
            num_starts=self.num_starts,
            key=key if self.num_starts > 1 else None,
            smoothing=gpip.annealing(self.num_steps),
        )
        return _iterated(found)

    def aimed(
        self,
        key: Key[Array, ""],
        channels: Channels,
        objective: Objective,
        power: PowerConstraint,
    ) -> Designed:
        """By the power iteration for sums at total power, else by `precoding.ascent`."""
        drawn = key if self.num_starts > 1 else None
        options: dict[str, Any] = {"num_starts": self.num_starts}
        if isinstance(power, TotalPower) and isinstance(objective, Sum) and not objective.colluding:
            schedule = gpip.annealing(self.num_steps)
            *batch, num_users, num_antennas = channels.h_user.shape
            weights = over_channels(objective, tuple(batch), num_users, num_antennas).user_weights
            options |= {"user_weights": weights, "smoothing": schedule}
            return _iterated(
                gpip.opt(*channels, key=drawn, num_noise_beams=self._noise_beams, **options)
            )
        steps = first_order.default_steps(objective) / gpip.DEFAULT_STEPS
        found = first_order.ascent(
            *channels,
            objective=objective,
            constraint=power,
            key=drawn,
            num_noise_beams=self.num_noise_beams,
            num_steps=math.ceil(steps * self.num_steps),
            **options,
        )
        info = found.info
        return Designed(found.strategy, info.iterations, info.residual, info.converged)

    @property
    def _noise_beams(self) -> int:
        """J for sums of rates at total power."""
        return DEFAULT_NOISE_BEAMS if self.num_noise_beams is None else self.num_noise_beams


@dataclasses.dataclass(frozen=True)
class LoadedGpip(Gpip):
    """OPT on channels scaled so that their error counts as noise (`knowledge.diagonal_loading`).

    Right for users; of an eavesdropper it forgets what is heard through the error
    (`python -m benchmarks.uncertain` has it beside `StochasticGpip`).

    Raises:
      InputError: an option is out of its range.
    """

    def given(self, key: Key[Array, ""], known: Posterior, objective: OverDraws) -> Designed:
        only_mean("opt-loaded", objective)
        return self(key, compiled(_loaded, known))


@dataclasses.dataclass(frozen=True)
class PlainGpip:
    """The literature's power iteration: fixed smoothing, full steps (`precoding.gpip.plain_gpip`).

    Raises:
      InputError: an option is out of its range.
    """

    num_noise_beams: int = DEFAULT_NOISE_BEAMS
    """J, noise beams."""
    num_steps: int = gpip.PLAIN_STEPS
    """Steps of the power iteration."""
    smoothing: float = gpip.PLAIN_SMOOTHING
    """Of the maximum over eavesdroppers, bit/s/Hz."""

    def __post_init__(self) -> None:
        checks.check_at_least("num_noise_beams", self.num_noise_beams, 0)
        checks.check_at_least("num_steps", self.num_steps, 1)
        checks.check_positive("smoothing", self.smoothing)

    def __call__(self, key: Key[Array, ""], channels: Channels) -> Designed:
        del key
        return _iterated(gpip.plain_gpip(*channels, **dataclasses.asdict(self)))


def _loaded(known: Posterior) -> Channels:
    return diagonal_loading(known, 1.0)


def _without_noise(w: Array) -> Designed:
    return Designed(Strategy(w, w[..., :0]))


def _iterated(found: gpip.GpipResult) -> Designed:
    info = found.info
    return Designed(found.strategy, info.iterations, info.residual, info.converged)
