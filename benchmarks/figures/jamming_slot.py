"""Who jams whom: the powers of one slot of friendly jamming, seen from above.

    python -m benchmarks.figures.jamming_slot --out docs/jamming-slot.png [--scenario dense]

Left, all access points at full power, right, at the powers that `jaxsec.jamming.optimise` finds.
Colours say at what rate an eavesdropper at that point could tell the access point that it hears
best, the others being noise to it. The slot has path gains but no fading, as the map; users and
eavesdroppers stand as in the regime that is asked for.
"""

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import jax
import jax.numpy as jnp
import matplotlib as mpl
import numpy as np
import tyro
from jaxtyping import Array, Float, Key
from matplotlib.colors import Normalize
from matplotlib.patheffects import withStroke

from jaxsec import checks, keys
from jaxsec.files.archive import PICTURES, check_outputs
from jaxsec.jamming import SCENARIOS, Environment, optimise, rates, slots
from jaxsec.jamming.environment import State
from jaxsec.jamming.scenario import REGIMES, JammingScenario
from jaxsec.jamming.slots import Slot
from jaxsec.report import style
from jaxsec.report.style import COLOURS, INK, STYLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_RATE = 10.0
"""End of the colour scale, bit/s/Hz, which starts at 0."""
NUM_POINTS = 240
"""Of the map along either axis."""
USER, LINK, EAVESDROPPER, ACCESS_POINT = "#ffffff", "#b0b0b0", COLOURS[1], COLOURS[5]
KNOWN = [name for name, one in SCENARIOS.items() if one.knowledge == "exact" and not one.battery]


@dataclasses.dataclass(frozen=True)
class Arguments:
    out: Path
    """Picture: .png, .pdf or .svg."""
    scenario: Annotated[str, tyro.conf.arg(metavar="{" + ",".join(KNOWN) + "}")] = "dense"
    regime: Literal["near-users", "near-access-points", "far"] = "near-users"
    """Where eavesdroppers are."""
    seed: int = 4


class Place(NamedTuple):
    """Where everybody stands, metres."""

    users: Float[Array, "2 U"]
    eavesdroppers: Float[Array, "2 E"]


class Choice(NamedTuple):
    """What powers come to in the slot."""

    power: np.ndarray
    """[A] watt."""
    secrecy_rate: np.ndarray
    """[U] bit/s/Hz."""
    jammer: np.ndarray
    """[E] the access point that jams each eavesdropper most, on the signal of the user that it is
    nearest to."""


def place(key: Key[Array, ""], scenario: JammingScenario, regime: str) -> Place:
    """Random positions in a regime."""
    num_users, num_eves = scenario.num_users, scenario.num_eavesdroppers
    distance, turn = jax.random.uniform(keys.stream(key, "disc"), (2, num_users + num_eves))
    disc = slots.unit_disc(distance, turn)
    users = slots.user_positions(scenario, disc[:, :num_users])
    target = jax.random.uniform(keys.stream(key, "target"), (num_eves,))
    index = jnp.asarray(REGIMES.index(regime))
    return Place(
        users,
        slots.eavesdropper_positions(scenario, users, index, target, disc[:, num_users:]),
    )


def slot_of(environment: Environment, where: Place) -> State:
    """The slot without fading; a batch of one."""
    gains = slots.path_gains(environment.scenario, jnp.concatenate(where, axis=1))
    _, state = jax.jit(environment.reset)(jax.random.key(0))
    slot: Slot = slots.of_gains(state.slot, gains)
    return jax.tree.map(lambda x: x[None], state._replace(slot=slot))


def choices(environment: Environment, where: Place, key: Key[Array, ""]) -> dict[str, Choice]:
    """Full power, and what a search finds."""
    state = slot_of(environment, where)
    full = jnp.ones((1, environment.action_size))
    found = optimise.best(environment, state, key=key, setting=optimise.SETTINGS["thorough"])
    return {
        "everyone at full power": choice(environment, where, full[0]),
        "powers for secrecy": choice(environment, where, found.action[0]),
    }


def choice(environment: Environment, where: Place, action: Float[Array, "A"]) -> Choice:
    """What an action comes to."""
    scenario = environment.scenario
    power = environment.power(action, environment.default_params)
    users, eves = (slots.path_gains(scenario, positions) for positions in where)
    apart = np.asarray(where.eavesdroppers)[:, :, None] - np.asarray(where.users)[:, None]
    nearest = np.argmin(np.sum(apart**2, axis=0), axis=1)
    wanted = rates.serving(scenario.num_users, scenario.num_access_points)[nearest]
    heard = np.asarray(eves * power[None])
    others = heard * (np.arange(heard.shape[1])[None] != wanted[:, None])
    return Choice(
        np.asarray(power),
        np.asarray(rates.secrecy_rates(power, users, eves)),
        np.argmax(others, axis=1),
    )


def overheard(
    scenario: JammingScenario, power: np.ndarray, x: np.ndarray, y: np.ndarray
) -> np.ndarray:
    """[Y, X] rate, bit/s/Hz, at which a point can tell the access point that it hears best."""
    points = np.stack([axis.ravel() for axis in np.meshgrid(x, y)]).astype(np.float32)
    heard = np.asarray(slots.path_gains(scenario, jnp.asarray(points))) * power
    others = heard.sum(axis=1, keepdims=True) - heard
    return np.log2(1.0 + heard / (1.0 + others)).max(axis=1).reshape(len(y), len(x))


def plot(
    path: Path, scenario: JammingScenario, where: Place, found: dict[str, Choice], title: str
) -> None:
    """Draws a panel a choice.

    Raises:
      InputError: `path` cannot be written.
    """
    aps = slots.access_points(scenario)
    everyone = np.concatenate((aps.T, *where), axis=1)
    low, high = everyone.min(axis=1) - 15.0, everyone.max(axis=1) + 15.0
    x, y = (np.linspace(low[i], high[i], NUM_POINTS) for i in range(2))
    with mpl.rc_context(STYLE):
        figure = style.blank(13.0, 6.4)
        row = np.atleast_1d(figure.subplots(1, len(found), sharey=True))
        for axes, (name, one) in zip(row, found.items(), strict=True):
            rate = overheard(scenario, one.power, x, y)
            axes.imshow(
                rate, cmap="magma", norm=Normalize(0.0, MAX_RATE), origin="lower",
                extent=(x[0], x[-1], y[0], y[-1]),
            )  # fmt: skip
            _everyone(axes, scenario, aps, where, one)
            outages = int(np.sum(one.secrecy_rate < scenario.target_rate))
            heading = f"{one.secrecy_rate.sum():.1f} bit/s/Hz secret, {outages} in outage"
            axes.set_title(f"{name[0].upper()}{name[1:]}: {heading}")
            axes.set_xlabel("x (m)")
            axes.grid(visible=False)
        row[0].set_ylabel("y (m)")
        bar = figure.colorbar(row[0].images[0], ax=list(row), shrink=0.8, aspect=30, extend="max")
        bar.set_label("rate of an eavesdropper at that point (bit/s/Hz)")
        bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
        handles, labels = row[-1].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=5, frameon=False)
        figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
        style.save(figure, path)


def _everyone(
    axes: "Axes", scenario: JammingScenario, aps: np.ndarray, where: Place, one: Choice
) -> None:
    """Access points as large as their power in dB, links to users, and who jams whom."""
    users, eves = np.asarray(where.users).T, np.asarray(where.eavesdroppers).T
    serving = rates.serving(len(users), len(aps))
    level = np.log(one.power / scenario.min_power_w)
    level = level / np.log(scenario.max_power_w / scenario.min_power_w)
    for i, (user, rate) in enumerate(zip(users, one.secrecy_rate, strict=True)):
        axes.plot(
            *np.stack((aps[serving[i]], user), axis=1), color=LINK, lw=1.4, label=_once(i, "serves")
        )
        axes.annotate(
            f"{rate:.1f}", user, xytext=(6, -4), textcoords="offset points", fontsize=9,
            color=USER, fontweight="bold" if rate < scenario.target_rate else "normal",
            path_effects=[withStroke(linewidth=2.0, foreground="#000000")],
        )  # fmt: skip
    for i, (eve, jammer) in enumerate(zip(eves, one.jammer, strict=True)):
        axes.plot(
            *np.stack((aps[jammer], eve), axis=1), color=EAVESDROPPER, lw=1.4, ls=(0, (3, 2)),
            label=_once(i, "jams most"),
        )  # fmt: skip
    axes.scatter(
        *aps.T, s=30.0 + 170.0 * level, marker="s", color=ACCESS_POINT, edgecolor=INK, zorder=3,
        label="access point, by power",
    )  # fmt: skip
    axes.scatter(
        *users.T, s=42, marker="o", color=USER, edgecolor=INK, zorder=4,
        label="user, and its secrecy rate",
    )  # fmt: skip
    axes.scatter(
        *eves.T, s=60, marker="^", color=EAVESDROPPER, edgecolor=INK, zorder=4, label="eavesdropper"
    )


def _once(i: int, label: str) -> str | None:
    return label if i == 0 else None


def main(arguments: Arguments) -> None:
    """Draws a slot."""
    checks.require(
        arguments.scenario in KNOWN,
        f"`--scenario` must be one of {', '.join(KNOWN)}, but is {arguments.scenario!r}",
    )
    check_outputs((), (arguments.out, PICTURES))
    environment = Environment(SCENARIOS[arguments.scenario])
    key = keys.stream(arguments.seed, "jamming_slot")
    where = place(key, environment.scenario, arguments.regime)
    found = choices(environment, where, key)
    title = f"Scenario {arguments.scenario}, eavesdroppers {arguments.regime.replace('-', ' ')}"
    plot(arguments.out, environment.scenario, where, found, f"{title}, seed {arguments.seed}")
    for name, one in found.items():
        print(f"{name}: {one.secrecy_rate.sum():.2f} bit/s/Hz, users {one.secrecy_rate.round(2)}")


if __name__ == "__main__":
    try:
        main(tyro.cli(Arguments))
    except checks.InputError as error:
        sys.exit(f"error: {error}")
