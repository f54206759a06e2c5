"""One expert of three a state: compute all and select, or sort the states by expert?

    python -m benchmarks.speed.experts [--quick] [--json FILE]

The heads of `jaxsec.rl.moe` at top-1, along a chain of six denoising steps and in its gradient:

- dense: every expert on all states, then the selected one's action; what the library does.
- sorted: states ordered by expert, `jax.lax.ragged_dot` for every layer, one third of the products.
- gathered: at batch 1, the selected expert's weights, and that expert alone.

All give the same actions, which is checked. Taking turns, median of the rounds; nothing is claimed
beyond the table, since what wins depends on the machine.
"""

import dataclasses
import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import tyro

from benchmarks.report import Report, table
from benchmarks.speed.turns import alternate
from jaxsec.diffusion import chain
from jaxsec.files.archive import check_outputs
from jaxsec.rl.moe import MixtureOfExperts
from jaxsec.rl.networks import embed_time

OBSERVATION, ACTION, NUM_STEPS = 18, 3, 6
"""Sizes of the jamming scenario `paper`."""
ROUNDS = 7


@dataclasses.dataclass(frozen=True)
class Command:
    """Time top-1 dispatch to three experts."""

    quick: bool = False
    """Width 128 only, fewer rounds."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also write the numbers to this file."""


class Row(NamedTuple):
    """One kind of work at one size: milliseconds of each dispatch, and the quickest."""

    width: int
    batch: int
    work: str
    ms: dict[str, float]
    wins: str


class Work(NamedTuple):
    """What a dispatch is given."""

    heads: Any
    """Parameters, arrays that lead with the expert."""
    noise: Any
    """[T, B, A]."""
    features: Any
    """[B, F]."""
    expert: Any
    """[B], the selected one."""


def main(command: Command, argv: list[str]) -> int:
    """Measures and prints the table."""
    check_outputs((), (command.json, ()))
    report = Report("speed.experts", argv)
    rows = [
        row
        for width in ((128,) if command.quick else (256, 128))
        for batch in (512, 1)
        for row in measure(width, batch, 3 if command.quick else ROUNDS)
    ]
    return report.finish(
        rows,
        table(
            "Top-1 of three experts, six denoising steps: ms",
            ("width", "batch", "work"),
            ("dense", "sorted", "gathered", "wins"),
            [cells(row) for row in rows],
        ),
        path=command.json,
    )


def measure(width: int, batch: int, rounds: int) -> list[Row]:
    """The dispatches at one size: a call and its gradient in the heads."""
    policy = MixtureOfExperts(OBSERVATION, ACTION, width, NUM_STEPS)
    keys = jax.random.split(jax.random.key(0), 4)
    work = Work(
        policy.init(keys[0])["heads"],
        policy.noise(keys[1], batch),
        jax.random.normal(keys[2], (batch, width)),
        jax.random.randint(keys[3], (batch,), 0, policy.num_experts),
    )
    dispatches: dict[str, Callable[[Work], Any]] = {"dense": functools.partial(dense, policy)}
    if batch == 1:
        dispatches["gathered"] = functools.partial(gathered, policy)
    dispatches["sorted"] = functools.partial(by_order, policy)

    calls, gradients, actions = {}, {}, {}
    for name, dispatch in dispatches.items():
        calls[name] = functools.partial(jax.jit(dispatch), work)
        gradient = jax.grad(
            lambda heads, act=dispatch: jnp.sum(act(work._replace(heads=heads)) ** 2)
        )
        gradients[name] = functools.partial(jax.jit(gradient), work.heads)
        actions[name] = calls[name]()
        np.testing.assert_allclose(actions[name], actions["dense"], atol=1e-4)
    rows = []
    for kind, functions in (("chain", calls), ("gradient", gradients)):
        ms = {name: 1e3 * seconds for name, seconds in alternate(functions, rounds).items()}
        rows.append(Row(width, batch, kind, ms, min(ms, key=lambda name: ms[name])))
    return rows


def dense(policy: MixtureOfExperts, work: Work) -> jax.Array:
    """All experts, then the selected ones."""
    selected = jax.nn.one_hot(work.expert, policy.num_experts)
    proposed = policy.propose({"heads": work.heads}, work.noise, work.features)
    return jnp.einsum("be,eba->ba", selected, proposed)


def gathered(policy: MixtureOfExperts, work: Work) -> jax.Array:
    """The one state's expert alone."""
    own = jax.tree.map(lambda x: x[work.expert], work.heads)  # [1, ...]
    return policy.propose({"heads": own}, work.noise, work.features)[0]


def by_order(policy: MixtureOfExperts, work: Work) -> jax.Array:
    """States in the order of their experts, so that a layer is one ragged product."""
    order = jnp.argsort(work.expert)
    sizes = jnp.bincount(work.expert, length=policy.num_experts).astype(jnp.int32)
    expert, heads = work.expert[order], work.heads
    mish = jax.nn.mish

    def layer(dense: Any, x: jax.Array) -> jax.Array:
        out = jax.lax.ragged_dot(x, dense["kernel"], sizes)
        return out + dense["bias"][expert] if "bias" in dense else out

    read = layer(heads["read_features"], work.features[order])
    first, last = heads["rest"]["Dense_0"], heads["rest"]["Dense_1"]

    def predict(x: jax.Array, t: int) -> jax.Array:
        # The time is the same for all states: one row an expert.
        def row(head: Any) -> jax.Array:
            a, b = head["time"]["Dense_0"], head["time"]["Dense_1"]
            hidden = mish(embed_time(t) @ a["kernel"] + a["bias"][None])
            return ((hidden @ b["kernel"] + b["bias"][None]) @ head["read_time"]["kernel"])[0]

        time_part = jax.vmap(row)(heads)[expert]
        seen = mish(read + layer(heads["read_action"], x) + time_part)
        return layer(last, mish(layer(first, seen)))

    schedule = chain.variance_preserving(policy.num_steps)
    ordered = chain.denoise(schedule, predict, work.noise[:, order])
    return jnp.zeros_like(ordered).at[order].set(ordered)


def cells(row: Row) -> list[str]:
    """A row of the table."""
    times = (f"{row.ms[n]:.2f}" if n in row.ms else "" for n in ("dense", "sorted", "gathered"))
    return [str(row.width), str(row.batch), row.work, *times, row.wins]


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Command), sys.argv[1:]))
