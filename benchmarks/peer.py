"""The public GDM framework's own toy problem: how fast, and how good?

    python -m benchmarks.peer [--seeds 3] [--quick] [--json FILE] [--figure FILE]

Water-filling, `jaxsec.rl.waterfilling`: ten channels share a power of 3, the reward is
minus the regret in bit/s/Hz. Two comparisons, compilation apart:

- Same work: the framework's networks, schedule, batch and order of events, one environment step an
  update. Two things that it computes bring nothing, and are computed here as well: a target pass
  that one-step episodes mask out, and the state's features anew at every denoising step. A second
  row leaves both out.
- Same result: our trainer with its own settings, seed after seed; regret of the averaged actor on
  fresh slots against updates and seconds; and the same by two other losses of a diffusion policy.

PyTorch is no dependency: the framework's numbers are quoted, from a run of it on one busy core of
the same kind of machine, and from its author's log on a GPU. So the same work is compared core for
core: our updates over the seconds that all our threads were at work.

The problem is easier than its first numbers look: equal power to the strong channels, whatever
their gains, already loses no more than 0.05. What a policy has learned begins below that.
"""

import dataclasses
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
import matplotlib as mpl
import numpy as np
import tyro
from jaxtyping import Array, Float
from rich.table import Table

from benchmarks.report import Claim, Report, table
from jaxsec.diffusion import chain
from jaxsec.files.archive import PICTURES, check_outputs
from jaxsec.report import style, timing
from jaxsec.report.style import COLOURS, INK, STYLE
from jaxsec.rl.config import Config
from jaxsec.rl.diffusion import Diffusion
from jaxsec.rl.networks import embed_time
from jaxsec.rl.training import State, Training
from jaxsec.rl.waterfilling import WaterFilling

PEER_RATE = 6.0
"""Updates a second of the framework on one busy core, in PyTorch."""
PEER_CURVE = ((0, -0.99), (1000, -0.94), (2000, -0.68), (2500, -0.42), (3260, -0.37))
"""(updates, regret) of the same run, 9 minutes."""
PEER_GPU = (4000, 346.0, -0.16)
"""Updates, seconds and regret at the end of its author's log."""
CLAIMED_RATIO = 1.5
CLAIMED_REGRET = ((20.0, -0.4), (120.0, -0.1), (None, -0.05))
"""(seconds, regret) on 2 cores; the last in the end."""

PEER = Config(
    policy="gdm",
    bound="clip",
    prediction="noise",
    width=256,
    critic_width=256,
    num_slots=1,
    batch_size=512,
    replay_size=1_000_000,
    actor_learning_rate=1e-4,
    critic_learning_rate=1e-4,
    decay="none",
    weight_decay=1e-4,
    critic_warmup=0,
    discount=1.0,
    exploration=0.1,
)
OURS = Config(
    policy="gdm",
    width=64,
    critic_width=64,
    bound="hold",
    num_updates=4000,
    num_slots=128,
    batch_size=128,
    actor_learning_rate=1e-3,
    critic_learning_rate=3e-3,
    exploration=0.3,
)
CONTENDERS: dict[str, dict[str, Any]] = {
    "gdm": {},
    "gdm, weighted": {"actor_loss": "weighted"},
    "gdm, score": {"actor_loss": "score", "prediction": "noise"},
    "mlp": {"policy": "mlp"},
    "ddpg": {"policy": "ddpg"},
}
"""What differs from our settings; all climb learned critics. Two are the losses of policies of the
public JAX library flow-rl, DPMD and Q-score matching."""
ENVIRONMENT = WaterFilling(allocation="ramp")
NUM_FRESH = 8192
"""Slots that regret is measured on."""


@dataclasses.dataclass(frozen=True)
class Command:
    """Time and train on the public GDM framework's water-filling problem."""

    seeds: int = 3
    """Trainings of each policy."""
    quick: bool = False
    """Fewer updates, one seed, and the diffusion policy only."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also write the numbers to this file."""
    figure: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also draw regret against updates and seconds; .png, .pdf or .svg."""


class Recomputed(Diffusion):
    """Computes a state's features at every denoising step, as the framework does."""

    def act(
        self, params: Any, noise: Float[Array, "T B A"], observation: Float[Array, "B O"]
    ) -> Float[Array, "B A"]:
        def predict(x: Float[Array, "B A"], t: int) -> Float[Array, "B A"]:
            # The compiler shares equal features between steps, `optimization_barrier` or not: make
            # them depend on the step, which costs nothing beside them.
            seen = observation + 0.0 * jax.lax.stop_gradient(x[:, :1])
            features = self.trunk.apply({"params": params["trunk"]}, seen)
            head = {"params": params["head"]}
            return self.head.apply(head, x, embed_time(t), features)  # pyright: ignore

        schedule = chain.variance_preserving(self.num_steps)
        return chain.denoise(schedule, predict, noise, bound=self.bound, prediction=self.prediction)


class Rate(NamedTuple):
    """Speed of one contender: by the clock, and by the time that its threads were at work."""

    contender: str
    updates_per_s: float
    updates_per_core_s: float
    compile_s: float


class Curve(NamedTuple):
    """One training: regret [n] after updates [n] and seconds [n]."""

    policy: str
    seed: int
    updates: list[int]
    seconds: list[float]
    regret: list[float]
    compile_s: float


def main(command: Command, argv: list[str]) -> int:
    """Measures, prints the tables and the claims; 1 if a claim fails."""
    check_outputs((), (command.json, ()), (command.figure, PICTURES))
    report = Report("peer", argv, num_samples=NUM_FRESH)
    rates = same_work(command.quick)
    curves = [
        curve
        for name in list(CONTENDERS)[: 1 if command.quick else None]
        for curve in train(name, 1 if command.quick else command.seeds, command.quick)
    ]
    constants = {
        "all channels alike": constant(jnp.ones(10)),
        "the strong channels alike": constant((jnp.arange(10) < 5).astype(float)),
    }
    if command.figure is not None:
        plot(command.figure, curves, constants)
    return report.finish(
        rates,
        [rate_table(rates), regret_table(curves, constants)],
        check_claims(rates, [curve for curve in curves if curve.policy == "gdm"]),
        command.json,
        notes=[f"load after: {os.getloadavg()[0]:.1f}"],
        settings=dataclasses.asdict(OURS),
        constants=constants,
        curves=[curve._asdict() for curve in curves],
    )


# ------------------------------------------------------------------------------------- same work


def same_work(quick: bool) -> list[Rate]:
    """Updates a second, taking turns."""
    count, rounds = (20, 3) if quick else (40, 4)
    recomputed = Recomputed(11, 10, PEER.width, PEER.num_steps, PEER.bound, PEER.prediction)
    peer = Training(PEER, WaterFilling(), devices=1, own_policy=recomputed)
    saved = Training(dataclasses.replace(PEER, discount=0.0), WaterFilling(), devices=1)
    trainings = {"same work": peer}
    if not quick:
        trainings["without what brings nothing"] = saved
    states, seconds, compiled = {}, {name: [] for name in trainings}, {}
    worked: dict[str, list[float]] = {name: [] for name in trainings}
    for name, training in trainings.items():
        with timing.compile_clock() as compile_seconds:
            states[name] = warm(training, count)
        compiled[name] = compile_seconds()
    for _ in range(rounds):
        for name, training in trainings.items():
            began, worked_before = time.perf_counter(), time.process_time()
            states[name], _ = training.run(states[name], count)
            jax.block_until_ready(states[name])
            seconds[name].append(time.perf_counter() - began)
            worked[name].append(time.process_time() - worked_before)
    median = statistics.median
    return [
        Rate(name, count / median(seconds[name]), count / median(worked[name]), compiled[name])
        for name in trainings
    ]


def warm(training: Training, count: int) -> State:
    """A state after some updates, that have been compiled."""
    return jax.block_until_ready(training.run(training.init([0]), count)[0])


# ----------------------------------------------------------------------------------- same result


def train(name: str, seeds: int, quick: bool) -> list[Curve]:
    """A policy with our settings, one seed after the other."""
    config = dataclasses.replace(OURS, **CONTENDERS[name])
    if quick:
        config = dataclasses.replace(config, num_updates=config.num_updates // 4)
    training = Training(config, ENVIRONMENT, devices=1)
    chunk = config.num_updates // 40
    evaluate = jax.jit(lambda actor, key: regret(training, actor, key))
    with timing.compile_clock() as compile_seconds:
        state = warm(training, chunk)
        jax.block_until_ready(evaluate(averaged(state), jax.random.key(0)))
    curves = []
    for seed in range(seeds):
        state = jax.block_until_ready(training.init([seed]))
        curve = Curve(name, seed, [], [], [], compile_seconds())
        spent = 0.0
        while state.num_updates < config.num_updates:
            began = time.perf_counter()
            state, _ = training.run(state, chunk)
            jax.block_until_ready(state)
            spent += time.perf_counter() - began
            curve.updates.append(state.num_updates)
            curve.seconds.append(spent)
            key = jax.random.fold_in(jax.random.key(1), seed)
            curve.regret.append(float(evaluate(averaged(state), key)))
        curves.append(curve)
    return curves


def averaged(state: State) -> Any:
    """The averaged actor of the first seed."""
    return jax.tree.map(lambda x: x[0], state.actor)


def regret(training: Training, actor: Any, key: Array) -> Float[Array, ""]:
    """Minus what a policy's actions lose on fresh slots, on average."""
    key_slots, key_noise = jax.random.split(key)
    observation, states = jax.vmap(ENVIRONMENT.reset)(jax.random.split(key_slots, NUM_FRESH))
    action = training.agent.act(actor, key_noise, observation)
    return jnp.mean(jax.vmap(ENVIRONMENT.reward)(states, action))


def constant(share: Float[Array, "N"]) -> float:
    """Minus the regret of the same shares of power in every slot."""
    environment = WaterFilling()
    keys = jax.random.split(jax.random.key(0), NUM_FRESH)
    states = jax.vmap(environment.reset)(keys)[1]
    return float(jnp.mean(jax.vmap(environment.reward, in_axes=(0, None))(states, share)))


# -------------------------------------------------------------------------------- what comes out


def check_claims(rates: list[Rate], curves: list[Curve]) -> list[Claim]:
    """Speed at the same work, and regret after some time."""
    ratio = rates[0].updates_per_s / PEER_RATE
    claims = [
        Claim(
            f"same work: at least {CLAIMED_RATIO:g}x the framework's updates a second",
            f"{ratio:.1f}x",
            ratio >= CLAIMED_RATIO,
        )
    ]
    for seconds, least in CLAIMED_REGRET:
        when = "in the end" if seconds is None else f"within {seconds:g} s"
        reached = statistics.mean(at(curve, seconds) for curve in curves)
        claims.append(Claim(f"gdm: {least:g} {when}", f"{reached:.3f}", reached >= least))
    return claims


def at(curve: Curve, seconds: float | None) -> float:
    """The last regret measured within a time."""
    within = [
        value
        for value, spent in zip(curve.regret, curve.seconds, strict=True)
        if seconds is None or spent <= seconds
    ]
    return within[-1] if within else -np.inf


def rate_table(rates: list[Rate]) -> Table:
    """Speeds at the same work."""
    quoted = ("public framework, quoted", "", f"{PEER_RATE:g}", "")
    ours = (
        (
            rate.contender,
            f"{rate.updates_per_s:.1f}",
            f"{rate.updates_per_core_s:.1f}",
            f"{rate.compile_s:.0f}",
        )
        for rate in rates
    )
    columns = ("updates a second", "a core-second", "compile s")
    title = "Same work: batch 512, width 256, T = 6"
    return table(title, ("contender",), columns, [quoted, *ours])


def regret_table(curves: list[Curve], constants: dict[str, float]) -> Table:
    """Regrets with our settings."""
    rows: list[tuple[str, ...]] = [
        (f"constant: {name}", "", "", f"{value:.3f}", "", "", "")
        for name, value in constants.items()
    ]
    updates, value = PEER_CURVE[-1]
    rows.append(("public framework, quoted", "", "", f"{value:g}", "", f"{updates}", "540"))
    updates, seconds, value = PEER_GPU
    rows.append(("  its author's log", "", "", f"{value:g}", "", f"{updates}", f"{seconds:.0f}"))
    for name in dict.fromkeys(curve.policy for curve in curves):
        own = [curve for curve in curves if curve.policy == name]
        means = (statistics.mean(at(curve, s) for curve in own) for s in (20.0, 120.0, None))
        rows.append(
            (
                f"{name}, {len(own)} seeds",
                *(f"{value:.3f}" for value in means),
                f"{min(curve.regret[-1] for curve in own):.3f}",
                f"{own[0].updates[-1]}",
                f"{statistics.mean(curve.seconds[-1] for curve in own):.0f}",
            )
        )
    columns = ("within 20 s", "within 120 s", "in the end", "worst seed", "updates", "seconds")
    return table("Same result: reward, minus the regret", ("",), columns, rows)


def plot(path: Path, curves: list[Curve], constants: dict[str, float]) -> None:
    """Regret against updates and against seconds: every seed a line, the quoted runs beside."""
    with mpl.rc_context(STYLE):
        figure = style.blank(10.0, 4.2)
        left, right = figure.subplots(1, 2, sharey=True)
        for i, name in enumerate(dict.fromkeys(curve.policy for curve in curves)):
            own = [curve for curve in curves if curve.policy == name]
            for j, curve in enumerate(own):
                loss = -np.array(curve.regret)
                label = name if j == 0 else None
                for axes, x in ((left, curve.updates), (right, curve.seconds)):
                    axes.plot(x, loss, color=COLOURS[i], linewidth=1.2, alpha=0.8, label=label)
        updates, rewards = np.array(PEER_CURVE).T
        seconds = updates / PEER_RATE
        quoted = {"color": COLOURS[-1], "linestyle": "--", "linewidth": 1.2}
        for axes, x in ((left, updates), (right, seconds)):
            axes.plot(x[1:], -rewards[1:], label="public framework, quoted", **quoted)
        for axes, x in ((left, PEER_GPU[0]), (right, PEER_GPU[1])):
            axes.plot(
                x, -PEER_GPU[2], "*", color=COLOURS[-1], markersize=9, label="its author's GPU log"
            )
            for name, value in constants.items():
                axes.axhline(-value, color=INK, linewidth=0.8, linestyle=":")
                axes.annotate(
                    f"constant: {name}", (1.0, -value), xycoords=("axes fraction", "data"),
                    xytext=(0, 3), textcoords="offset points", ha="right", fontsize=8,
                )  # fmt: skip
            axes.set_xscale("log")
            axes.set_yscale("log")
        left.set_xlabel("updates")
        right.set_xlabel("seconds, compilation apart")
        left.set_ylabel("regret (bit/s/Hz)")
        left.set_title("Water-filling: regret against updates")
        right.set_title("and against wall-clock on 2 cores")
        right.legend(frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5))
        style.save(figure, path)


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Command), sys.argv[1:]))
