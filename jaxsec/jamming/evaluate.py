"""Trained jamming policies on fresh slots of their scenario: a table, and its numbers as JSON."""

import shlex
from pathlib import Path

from jaxsec import checks
from jaxsec.files.archive import naming
from jaxsec.jamming import file as policy_file
from jaxsec.jamming import judge, pace, sizes
from jaxsec.jamming import report as reports
from jaxsec.jamming.environment import Environment
from jaxsec.jamming.file import Trained
from jaxsec.jamming.sizes import Size
from jaxsec.report import console, timing
from jaxsec.rl import evaluation


def evaluate(
    paths: tuple[Path, ...],
    *,
    fresh_slots: int,
    num_candidates: int,
    search: str,
    seed: int,
    json: Path | None,
    argv: list[str],
    size: Size | None = None,
) -> None:
    """Loads, judges and prints the table.

    Args:
      paths: of policies, all of one scenario; of any size, where a size is given.
      fresh_slots: that they are judged on.
      num_candidates: actions of which the critics, or the true reward, choose; 1 for none of this.
      search: a name in `optimise.SETTINGS`, of the search that goes on from policies' actions where
        the reward is known.
      seed: of the slots and of all that acts at random.
      json: where the numbers go, too.
      argv: the command, for the report.
      size: to judge at; that of the scenario by default.

    Raises:
      InputError: there is no policy, a file is damaged, scenarios differ or have batteries, or
        networks that serve one size are to be judged at another.
    """
    checks.check_at_least("--fresh-slots", fresh_slots, 1)
    checks.check_at_least("--num-candidates", num_candidates, 1)
    checks.require(bool(paths), "name at least one POLICY.npz")
    trained = [_load(path, size) for path in paths]
    scenario = trained[0].scenario
    judge.check_slots(scenario)
    for path, other in zip(paths, trained, strict=True):
        checks.require(
            other.scenario == scenario,
            f"{path}: was trained on another scenario than {paths[0]}; where only sizes differ, "
            "give `--size`",
        )
    environment = Environment(scenario)
    slots = evaluation.sample(environment, seed, fresh_slots)
    bounds = judge.bounds(environment, slots, seed)
    stated, rows = reports.against(bounds.best), list(bounds.rows)
    paces = pace.of_bounds(environment, slots, seed)
    for path, one in zip(paths, trained, strict=True):
        name = path.parent.name if path.stem == "policy" else path.stem
        name = name or one.config.policy
        rows += judge.judge(name, one, environment, slots, seed, num_candidates, search)
        paces |= pace.of_policy(name, one, environment, slots, seed, num_candidates, search)
    rows = [row._replace(microseconds=paces.get(row.name)) for row in rows]
    listed = reports.report(rows, stated, scenario)
    reports.show(listed, f"{fresh_slots} fresh slots of {sizes.of(scenario)}, seed {seed}")
    if json is not None:
        report = {
            "command": shlex.join(["jaxsec", *argv]),
            "scenario": policy_file.describe(scenario, trained[0].config)["scenario"],
            "fresh_slots": fresh_slots,
            "hardware": timing.hardware(),
            "stated": stated.kind,
            "rows": listed,
        }
        console.write_json(json, report)
        print(f"written to {json}")


def _load(path: Path, size: Size | None) -> Trained:
    """A policy, at the size that it is to be judged at."""
    trained = policy_file.load(path)
    if size is None:
        return trained
    with naming(path):
        return trained.at(size)
