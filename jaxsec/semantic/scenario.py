"""Parallel channels: Bob's, and worse ones of Eve.

A code word is split over parallel channels of one kind (`links.CHANNELS`); in each of them Bob and
Eve receive every bit over a channel of their own. The channel of Eve is a degraded one of Bob's, so
its secrecy capacity is the difference of the capacities (A. D. Wyner, The wire-tap channel, 1975).
"""

import dataclasses

import numpy as np
from jaxtyping import Float

from jaxsec import checks
from jaxsec.semantic.links import CHANNELS, Kind, Link


@dataclasses.dataclass(frozen=True)
class Scenario:
    """Parallel channels: how good each is for Bob and for Eve, and its bits.

    Raises:
      InputError: a number is out of its range, or Eve's channel is better than Bob's.
    """

    channel: Kind = "bsc"
    """Flips bits (bsc), or gives soft values out of Gaussian noise (awgn) and fading (rayleigh)."""
    bob: tuple[float, ...] = (0.02, 0.02, 0.02, 0.02)
    """Of each channel its crossover probability (bsc), or its mean signal-to-noise ratio in dB."""
    eve: tuple[float, ...] = (0.05, 0.08, 0.45, 0.45)
    """The same of Eve's; none is better than Bob's."""
    bits: int = 16
    """Of a code word in each channel."""

    def __post_init__(self) -> None:
        checks.require(
            self.channel in CHANNELS,
            f"`channel` must be one of {', '.join(CHANNELS)}, but is {self.channel!r}",
        )
        kind = CHANNELS[self.channel]
        checks.require(
            len(self.bob) == len(self.eve) > 0,
            f"`bob` and `eve` must name a {kind.number} for each of the same channels, but name "
            f"{len(self.bob)} and {len(self.eve)}",
        )
        for name, values in (("bob", self.bob), ("eve", self.eve)):
            for value in values:
                checks.require(
                    kind.least <= value <= kind.most,
                    f"`{name}` must lie between {kind.least:g} and {kind.most:g}, a {kind.number}, "
                    f"but has {value}",
                )
        for bob, eve in zip(self.bob, self.eve, strict=True):
            checks.require(
                kind.ordered(bob, eve),
                f"`eve` must not be better than `bob` in any channel, but has {eve} where Bob has "
                f"{bob}, a {kind.number}",
            )
        checks.check_at_least("bits", self.bits, 1)

    @property
    def num_bits(self) -> int:
        """N, of a code word."""
        return len(self.bob) * self.bits

    def link(self, who: str) -> Link:
        """The channel of each bit to `bob` or `eve`."""
        return CHANNELS[self.channel].link(self._numbers(who))

    def capacities(self, who: str) -> list[float]:
        """Bits of information of a code word that each channel can carry to `bob` or `eve`."""
        each = self.link(who).capacity().reshape(len(self.bob), self.bits)
        return [float(x) for x in each.sum(axis=1)]

    def degraded(self, copies: float) -> Link:
        """Eve's channel where what parts her from Bob happens `copies` times over.

        0 gives her Bob's channel, 1 her own, large numbers one that carries nothing: the more
        copies, the less she can know.
        """
        kind = CHANNELS[self.channel]
        return kind.link(kind.degraded(self._numbers("bob"), self._numbers("eve"), copies))

    def _numbers(self, who: str) -> Float[np.ndarray, " N"]:
        return np.repeat(np.float32(getattr(self, who)), self.bits)


SCENARIOS: dict[str, Scenario] = {
    "bsc": Scenario(),
    "awgn": Scenario("awgn", bob=(2.0, 2.0, 2.0, 2.0), eve=(0.0, -1.5, -23.0, -23.0)),
    "rayleigh": Scenario("rayleigh", bob=(7.0, 7.0, 7.0, 7.0), eve=(3.0, 0.5, -23.0, -23.0)),
}
"""Of each kind one, their capacities alike: 0.86 bits a code bit to Bob, 0.72, 0.60 and twice 0.007
to Eve, each within 0.01."""
