"""`jaxsec doctor`: whether this installation is sound."""

import dataclasses

from rich.table import Table
from rich.text import Text

from jaxsec.report import console, health


@dataclasses.dataclass(frozen=True)
class Command:
    """Check this installation: versions, devices, cores, memory maps, the hashes of the shipped
    weights, and one design against its known rate. Exit code 1 if something is wrong."""


def run(command: Command, argv: list[str]) -> int:
    """Prints a line for each check."""
    del command, argv
    findings = health.examine()
    table = Table("check", "", "found", box=None)
    for finding in findings:
        table.add_row(finding.name, "ok" if finding.ok else "WRONG", Text(finding.text))
    console.show(table)
    return int(not all(finding.ok for finding in findings))
