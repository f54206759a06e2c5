"""Entry point of `jaxsec`: picks the command, and turns a user's mistake into one line.

A command is a module `jaxsec.cli.<name>` with a dataclass `Command`, whose fields are its options,
and a function `run(command, argv)`, which may return an exit code. JAX is imported with the
command, so `jaxsec --help` is quick.
"""

import importlib
import sys
from collections.abc import Callable, Sequence
from typing import Any

import tyro

from jaxsec.version import __version__

COMMANDS = {
    "sample": "Draw random channels and save them to a file.",
    "design": "Design secure beams and artificial noise for the channels in a file.",
    "convert": "Turn anyone's file of channels into one that design reads.",
    "evaluate": "Judge given beams on given channels: rates by user, worst case, outage, power.",
    "compare": "Compare methods on random channels: secrecy rate, gap to best known, time.",
    "train": "Train a diffusion model on expert data.",
    "finetune": "Fine-tune a diffusion model on the secrecy rate itself.",
    "dataset": "Make expert data for training: random channels and OPT's strategies.",
    "explore": "Place receivers on a plane in the browser, and see designs for them.",
    "doctor": "Check this installation: versions, devices, weights, and one design.",
    "jamming": "Cooperative friendly jamming: train, evaluate and compare policies.",
    "spectrum": "Spectrum waterfalls under jamming: train and evaluate their completion.",
    "semantic": "Pictures for Bob, of which Eve must not learn a secret: train and judge coders.",
    "denoise": "Channel denoising by diffusion: estimates of channels, symbols of a coder.",
    "anomaly": "Jammers and spoofed pilots that nothing was told of: train and evaluate detectors.",
}
GROUPS = {
    "jamming": {
        "train": "Train a policy that sets the powers of access points which jam for each other.",
        "evaluate": "Judge trained policies on fresh slots, against the oracle.",
        "compare": "Train and judge all policies side by side, and draw P2's figures.",
    },
    "spectrum": {
        "train": "Train a network that completes waterfalls, against discriminators.",
        "evaluate": "Judge what is completed, beside methods without training.",
    },
    "semantic": {
        "train": "Train coders over a wiretap channel that keep colour and thickness from Eve.",
        "evaluate": "Judge coders: Bob's pictures, a fresh Eve, and the best that any Eve can do.",
    },
    "denoise": {
        "train": "Train a denoiser of channel estimates, or of a source-channel coder's symbols.",
        "evaluate": "Judge a denoiser beside the linear estimate and a one-shot network.",
    },
    "anomaly": {
        "train": "Train detectors of jammers or spoofed pilots on data without any.",
        "evaluate": "Judge detectors on fresh data, against the best energy detector.",
    },
}
"""Commands of commands: `jaxsec jamming train` is `jaxsec.cli.jamming.train`."""
COMPLETION = "--tyro-print-completion"
"""Prints a script for a shell, bash or zsh, which has the options of all commands."""
DESCRIPTION = "Physical-layer security: secure beams and artificial noise for a wiretap downlink."


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command line.

    Args:
      argv: arguments after the program's name; those of the process if left out.

    Returns:
      The exit code: 0, or what the command returns, or 2 for a mistake in the arguments or in a
      file, or 130 for Ctrl-C.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments == ["--version"]:
        print(f"jaxsec {__version__}")
        return 0
    try:
        group = arguments[0] if arguments and arguments[0] in GROUPS else None
        words = 1 if group is None else 2
        commands = COMMANDS if group is None else GROUPS[group]
        completing = group is None and COMPLETION in arguments
        if len(arguments) >= words and arguments[words - 1] in commands:
            return _run(arguments[:words], arguments)
        tyro.extras.subcommand_cli_from_dict(
            {
                name: _real(name) if completing and name not in GROUPS else _described(summary)
                for name, summary in commands.items()
            },
            prog="jaxsec" if group is None else f"jaxsec {group}",
            description=DESCRIPTION if group is None else COMMANDS[group],
            args=arguments[words - 1 :],
        )
    except SystemExit as stop:  # tyro's, after --help or a mistake it has explained
        return stop.code if isinstance(stop.code, int) else 2 * bool(stop.code)
    except KeyboardInterrupt:
        print("jaxsec: interrupted", file=sys.stderr)
        return 130
    return 0


def _run(words: list[str], argv: list[str]) -> int:
    from jaxsec import checks, extras

    try:
        try:
            module = importlib.import_module(f"jaxsec.cli.{'.'.join(words)}")
            command = tyro.cli(
                module.Command, prog=" ".join(["jaxsec", *words]), args=argv[len(words) :]
            )
            return module.run(command, argv) or 0
        except ModuleNotFoundError as error:
            raise extras.explained(error) from None
    except checks.InputError as error:
        print(f"jaxsec: error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2


def _real(name: str) -> type[Any]:
    """A command with its options, which a script of completions needs."""
    return importlib.import_module(f"jaxsec.cli.{name}").Command


def _described(summary: str) -> Callable[[], None]:
    """A command without options, for the list of commands: the real ones import JAX."""

    def command() -> None: ...

    command.__doc__ = summary
    return command


if __name__ == "__main__":
    sys.exit(main())
