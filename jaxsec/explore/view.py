"""What is looked at: receivers on the plane, a design for them, and what each of them gets."""

import dataclasses
import time
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxsec import files, keys
from jaxsec.channels import Channels
from jaxsec.channels.knowledge import estimate_channels
from jaxsec.channels.normalise import normalise
from jaxsec.channels.scenario import Scenario
from jaxsec.designer import design
from jaxsec.explore import plane
from jaxsec.methods import METHODS
from jaxsec.secrecy import POWERS, Outage, Sum, WorstUser, secrecy_rates
from jaxsec.secrecy.rates import received_powers, user_rates, wiretap_rates
from jaxsec.strategy import Strategy
from jaxsec.units import db_to_linear, noise_over_power

OBJECTIVES: dict[str, Any] = {
    "sum": Sum(),
    "worst user": WorstUser(),
    "against colluding eavesdroppers": Sum(colluding=True),
    "kept with 95%": Outage(0.05),
}
"""What the page offers; the others need numbers."""
OFFERED = {"method": ("by what is known", *METHODS), "objective": OBJECTIVES, "power": POWERS}
"""By the field of `Choice`."""


@dataclasses.dataclass(frozen=True)
class Choice:
    """Everything but the places."""

    method: str = "by what is known"
    """A name of `METHODS`, or the one that `design` takes by itself."""
    objective: str = "sum"
    """A name of `OBJECTIVES`."""
    power: str = "total"
    error_user: float = 0.0
    """CSI error of users, 0 to 1."""
    error_eve: float = 0.0
    """The same of eavesdroppers; at 1 only their gain is known."""
    num_antennas: int = 8
    transmit_power_dbm: float = 20.0
    rician_factor_db: float = 10.0

    def scenario(self) -> Scenario:
        """Antennas, powers and the line of sight."""
        return Scenario(
            num_antennas=self.num_antennas,
            transmit_power_dbm=self.transmit_power_dbm,
            rician_factor=float(db_to_linear(self.rician_factor_db)),
        )


class View(NamedTuple):
    """A design for receivers on the plane."""

    users_m: Float[np.ndarray, "K 2"]
    eves_m: Float[np.ndarray, "L 2"]
    scenario: Scenario
    channels: Channels
    """The true ones, without a batch axis."""
    strategy: Strategy
    seconds: float
    """Of the design, compilation included where it is the first of its shape."""


def look(
    users_m: Float[np.ndarray, "K 2"], eves_m: Float[np.ndarray, "L 2"], choice: Choice
) -> View:
    """Designs for receivers at these places.

    Args:
      users_m: of the users, metres from the base station.
      eves_m: of the eavesdroppers.
      choice: how.

    Raises:
      InputError: the method cannot do what is chosen.
    """
    scenario = choice.scenario()
    places = jnp.concatenate([jnp.asarray(x, jnp.float32) for x in (users_m, eves_m)])
    h = plane.channels_at(places, scenario)
    noise = noise_over_power(scenario.noise_power_dbm, scenario.transmit_power_dbm)
    channels = Channels(h[: len(users_m)], h[len(users_m) :], jnp.float32(noise))
    errors = choice.error_user, choice.error_eve
    key = jax.random.key(0)
    given = channels._replace(
        h_user=estimate_channels(keys.stream(key, "users"), channels.h_user, errors[0]),
        h_eve=estimate_channels(keys.stream(key, "eavesdroppers"), channels.h_eve, errors[1]),
    )
    objective = OBJECTIVES[choice.objective]
    began = time.perf_counter()
    strategy = design(
        given,
        method=None if choice.method not in METHODS else choice.method,
        objective=objective,
        power=choice.power,
        csi_error=errors,
    )
    strategy = jax.block_until_ready(strategy)
    seconds = time.perf_counter() - began
    return View(np.asarray(users_m), np.asarray(eves_m), scenario, channels, strategy, seconds)


def users_table(view: View) -> list[dict[str, Any]]:
    """A line a user: its rates in bit/s/Hz, on the true channels."""
    channels = normalise(view.channels)
    rates = user_rates(*view.strategy, channels.h_user, 1.0)
    secret = secrecy_rates(*view.strategy, *channels)
    _, noise = received_powers(*view.strategy, channels.h_user, 1.0)
    return [
        {
            "user": k,
            "rate": round(float(rates[k]), 2),
            "secrecy rate": round(float(secret[k]), 2),
            "noise heard (dB)": _decibels(noise[k]),
        }
        for k in range(len(view.users_m))
    ]


def eves_table(view: View) -> list[dict[str, Any]]:
    """A line an eavesdropper: what it decodes of each user, bit/s/Hz, and the noise it hears."""
    channels = normalise(view.channels)
    wiretap = wiretap_rates(*view.strategy, channels.h_eve, 1.0)
    _, noise = received_powers(*view.strategy, channels.h_eve, 1.0)
    return [
        {
            "eavesdropper": l,
            **{f"of user {k}": round(float(x), 2) for k, x in enumerate(wiretap[l])},
            "noise heard (dB)": _decibels(noise[l]),
        }
        for l in range(len(view.eves_m))
    ]


def export(view: View, folder: Path) -> tuple[Path, Path]:
    """Writes what is seen as files of channels and of a strategy, which all commands read.

    Returns:
      Their paths, channels.npz and strategy.npz in the folder.

    Raises:
      InputError: a file cannot be written.
    """
    channels = jax.tree.map(lambda x: np.asarray(x)[None], view.channels)
    strategy = jax.tree.map(lambda x: x[None], view.strategy)
    rates = np.asarray(secrecy_rates(*view.strategy, *normalise(view.channels)))[None]
    paths = folder / "channels.npz", folder / "strategy.npz"
    files.save_channels(paths[0], channels)
    files.save_strategy(paths[1], strategy, rates, rates.sum(axis=1))
    return paths


def _decibels(power: Any) -> float | None:
    """Over the receiver's noise; None of nothing."""
    return round(10.0 * float(np.log10(power)), 1) if power > 0 else None
