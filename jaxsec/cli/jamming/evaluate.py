"""`jaxsec jamming evaluate`: trained policies on fresh slots, against the oracle."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import tyro

from jaxsec.cli import options
from jaxsec.files.archive import check_outputs
from jaxsec.jamming import evaluate, sizes


@dataclasses.dataclass(frozen=True)
class Command:
    """Judge trained policies on fresh slots of their scenario, at its size or another, against the
    oracle."""

    policies: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="POLICY.npz")]
    """Files that `jaxsec jamming train` has written, all of one scenario."""
    size: Annotated[str | None, tyro.conf.arg(metavar="AxE")] = None
    """Judge with A access points, a user each, and E eavesdroppers, or AxUxE; by default at the
    size that the policies were trained on, of several the first. Not for flat networks."""
    fresh_slots: int = 4096
    """Slots, the same for all."""
    num_candidates: int = 8
    """Actions of which the critics, or the true reward, choose; 1 for none of this."""
    search: Literal["polish", "single", "quick", "standard", "careful", "thorough"] = "polish"
    """What goes on from the policies' actions, where the reward is known: ten steps of search, or
    more with random starts beside them."""
    seed: int = 1
    """Seed of the slots and of all that acts at random."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also write the numbers to this file."""


def run(command: Command, argv: list[str]) -> None:
    """Loads, judges and prints the table."""
    options.check_seed(command.seed)
    check_outputs(command.policies, (command.json, ()))
    evaluate.evaluate(
        command.policies,
        fresh_slots=command.fresh_slots,
        num_candidates=command.num_candidates,
        search=command.search,
        seed=command.seed,
        json=command.json,
        argv=argv,
        size=None if command.size is None else sizes.parse("--size", command.size),
    )
