"""`jaxsec sample`: random channels to a file."""

import dataclasses
from pathlib import Path

import tyro

from jaxsec import checks, keys
from jaxsec.channels import sample_channels
from jaxsec.cli import options
from jaxsec.files.archive import FORMATS, check_outputs
from jaxsec.files.channels import save_channels


@dataclasses.dataclass(frozen=True)
class Command:
    """Draw random channels and save them to a file that `jaxsec design` reads."""

    out: Path
    """File to write, .npz or .mat: h_user (N,K,M), h_eve (N,L,M), noise_power (N,)."""
    num_channels: int = 256
    """N, independent channels to draw."""
    seed: int = 0
    """Same seed, same channels."""
    scenario: tyro.conf.OmitArgPrefixes[options.ScenarioOptions] = dataclasses.field(
        default_factory=options.ScenarioOptions
    )


def run(command: Command, argv: list[str]) -> None:
    """Draws and saves."""
    del argv
    scenario = command.scenario.scenario()
    checks.check_at_least("--num-channels", command.num_channels, 1)
    options.check_seed(command.seed)
    check_outputs((), (command.out, FORMATS))
    channels = sample_channels(keys.channels(command.seed), scenario, command.num_channels)
    save_channels(command.out, channels)
    print(
        f"{command.num_channels} channels: {scenario.num_antennas} antennas, "
        f"{scenario.num_users} users, {scenario.num_eavesdroppers} eavesdroppers\n"
        f"written to {command.out}"
    )
