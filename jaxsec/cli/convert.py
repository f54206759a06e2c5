"""`jaxsec convert`: anyone's file of channels to one that `jaxsec design` reads."""

import dataclasses
import math
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

from jaxsec import checks, units
from jaxsec.channels import Channels
from jaxsec.channels.remarks import remarks
from jaxsec.cli.options import as_options, check_seed
from jaxsec.files.archive import FORMATS, check_outputs
from jaxsec.files.channels import save_channels
from jaxsec.files.convert import read_source
from jaxsec.files.reading import read_arrays
from jaxsec.interop import Draws, from_arrays
from jaxsec.interop.summary import describe

ARGUMENTS = (
    "axes",
    "eve_axes",
    "take",
    "users",
    "eavesdroppers",
    "draws",
    "num_users",
    "num_eavesdroppers",
    "noise_power",
)
"""Arguments of `from_arrays` and `Draws` that are options here."""


@dataclasses.dataclass(frozen=True)
class ReceiverOptions:
    """Which receivers are users and which eavesdrop, where the file has one list of them."""

    users: str | None = None
    """Receivers that are users, such as 0,3,5:9."""
    eavesdroppers: str | None = None
    """Receivers that eavesdrop."""
    draws: int | None = None
    """Instead of those, this many channels with users and eavesdroppers drawn at random."""
    num_users: int = 1
    """Users of each draw."""
    num_eavesdroppers: int = 1
    """Eavesdroppers of each draw."""
    skip_blank: bool = False
    """Draw no receiver whose channel is zero."""
    seed: int = 0
    """Seed of the draws."""

    def drawn(self) -> Draws | None:
        """The draws; None where receivers are not drawn.

        Raises:
          InputError: an option of draws without them.
        """
        check_seed(self.seed)
        if self.draws is not None:
            checks.check_at_least("--draws", self.draws, 1)
            return Draws(
                self.draws, self.num_users, self.num_eavesdroppers, self.seed, self.skip_blank
            )
        default = ReceiverOptions()
        for name in ("num_users", "num_eavesdroppers", "skip_blank", "seed"):
            checks.require(
                getattr(self, name) == getattr(default, name),
                f"`--{name.replace('_', '-')}` is heeded with `--draws` only",
            )
        return None


@dataclasses.dataclass(frozen=True)
class NoiseOptions:
    """Receiver noise, where the file has no noise_power."""

    noise_power: float | None = None
    """Receiver noise over transmit power, in units of |h|²."""
    noise_key: str | None = None
    """Name of it in the file, a number, (N,) or (N,K+L)."""
    noise_power_dbm: float | None = None
    """Instead of it, the noise power of a receiver; with --transmit-power-dbm."""
    transmit_power_dbm: float | None = None
    """Transmit power."""

    def value(self, source: Path) -> Any:
        """σ0²/P of the options, or of the file.

        Raises:
          InputError: it is given twice, by half or not at all.
        """
        decibel = self._of_decibels()
        given = [x is not None for x in (self.noise_power, self.noise_key, decibel)]
        checks.require(
            sum(given) <= 1,
            "`--noise-power`, `--noise-key` and `--noise-power-dbm` exclude each other: give one",
        )
        if self.noise_power is not None:
            return self.noise_power
        if decibel is not None:
            return decibel
        name = self.noise_key or "noise_power"
        if source.suffix.lower() != ".npy" or source.is_dir():
            found = read_arrays(source, (name,) if self.noise_key else (), (name,)).get(name)
            if found is not None:
                return _vector(found, matlab=source.suffix.lower() == ".mat")
        raise checks.InputError(
            "`--noise-power` is missing, or `--noise-power-dbm` with `--transmit-power-dbm`, or "
            "`--noise-key`"
        )

    def _of_decibels(self) -> float | None:
        noise, transmit = self.noise_power_dbm, self.transmit_power_dbm
        checks.require(
            (noise is None) == (transmit is None),
            "`--noise-power-dbm` and `--transmit-power-dbm` must be given together",
        )
        if noise is None or transmit is None:
            return None
        for name, value in (("noise", noise), ("transmit", transmit)):
            checks.require(
                math.isfinite(value), f"`--{name}-power-dbm` must be finite, but is {value}"
            )
        return units.noise_over_power(noise, transmit)


def _vector(noise: np.ndarray, *, matlab: bool) -> np.ndarray:
    """One number without axes; MATLAB knows no vectors, whose (1, N) and (N, 1) are (N,)."""
    if noise.size == 1:
        return noise.reshape(())
    return noise.reshape(-1) if matlab and noise.ndim == 2 and 1 in noise.shape else noise


@dataclasses.dataclass(frozen=True)
class Command:
    """Turn anyone's channels into a file that `jaxsec design` reads, and say what was understood.

    SOURCE is .npz, .npy, MATLAB .mat (v5 and v7.3), .h5 or .hdf5, or a folder of .npy files.
    """

    source: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="SOURCE")]
    """File of channels."""
    out: Path
    """File to write, .npz or .mat."""
    user_key: tuple[str, ...] = ()
    """Name in the file of the users' channels, or of all receivers'; or two, of real and imaginary
    part. By default h_user."""
    eve_key: tuple[str, ...] = ()
    """The same of the eavesdroppers' channels; by default h_eve, where users' are h_user."""
    eve_source: Path | None = None
    """File of the eavesdroppers' channels, if it is another."""
    axes: str = "N K M"
    """Axes in order: N channels, K receivers, M antennas, C real and imaginary part; others, such
    as R F T, are taken from. One that is not named has length one."""
    eve_axes: str | None = None
    """Axes of the eavesdroppers' channels, if they differ."""
    take: tuple[str, ...] = ()
    """Entries of axes, such as F=0 R=0; several, as in F=0:8, are that many channels."""
    conjugate: bool = False
    """The file's receivers hear hᵀw; here they hear hᴴw."""
    receivers: tyro.conf.OmitArgPrefixes[ReceiverOptions] = dataclasses.field(
        default_factory=ReceiverOptions
    )
    noise: tyro.conf.OmitArgPrefixes[NoiseOptions] = dataclasses.field(default_factory=NoiseOptions)


def run(command: Command, argv: list[str]) -> None:
    """Reads, converts, saves and prints what was understood."""
    del argv
    inputs = tuple(path for path in (command.source, command.eve_source) if path is not None)
    check_outputs(inputs, (command.out, FORMATS))
    channels = _converted(command)
    save_channels(command.out, channels)
    read_as = "conjugated, from hᵀw" if command.conjugate else "of receivers that hear hᴴw"
    rows = [("read as", f"{command.axes}, {read_as}"), *describe(channels).items()]
    rows += [("note", remark) for remark in remarks(channels)]
    rows.append(("written to", str(command.out)))
    print("\n".join(f"{name:<20}{text}" for name, text in rows))


def _converted(command: Command) -> Channels:
    draws = command.receivers.drawn()
    take = dict(_taken(text) for text in command.take)
    h, h_eve = _arrays(command, draws)
    try:
        return from_arrays(
            h,
            h_eve,
            noise_power=command.noise.value(command.source),
            axes=command.axes,
            eve_axes=command.eve_axes,
            take=take,
            conjugate=command.conjugate,
            users=command.receivers.users,
            eavesdroppers=command.receivers.eavesdroppers,
            draws=draws,
        )
    except checks.InputError as error:
        message = as_options(error, *ARGUMENTS)
        raise checks.InputError(f"{command.source}: {message}") from None


def _arrays(command: Command, draws: Draws | None) -> tuple[np.ndarray, np.ndarray | None]:
    """The users' array, or all receivers', and the eavesdroppers' if there is one."""
    num_axes = len(command.axes.split())
    is_array = command.source.suffix.lower() == ".npy" and not command.source.is_dir()
    keys = command.user_key or (() if is_array else ("h_user",))
    h = read_source(command.source, keys, num_axes)
    num_axes = len((command.eve_axes or command.axes).split())
    source, keys = command.eve_source or command.source, command.eve_key
    if command.eve_source is not None:
        is_array = source.suffix.lower() == ".npy" and not source.is_dir()
        return h, read_source(source, keys or (() if is_array else ("h_eve",)), num_axes)
    if keys:
        return h, read_source(source, keys, num_axes)
    one_list = command.receivers.users is not None or draws is not None
    if is_array or command.user_key or one_list or not read_arrays(source, (), ("h_eve",)):
        return h, None
    return h, read_source(source, ("h_eve",), num_axes)


def _taken(text: str) -> tuple[str, str]:
    name, equals, entries = text.partition("=")
    checks.require(bool(name and equals), f"`--take` must be such as F=0, but has {text!r}")
    return name, entries
