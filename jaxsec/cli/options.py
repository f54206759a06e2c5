"""Options that commands share, and the checks of their values."""

import ast
import dataclasses
import inspect
import itertools
import textwrap
import typing
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import tyro

from jaxsec import checks, methods
from jaxsec.channels import Scenario
from jaxsec.methods import Method
from jaxsec.secrecy import MEAN, Outage, OverDraws

METHODS = tuple(methods.METHODS)
Config = TypeVar("Config")


@dataclasses.dataclass(frozen=True)
class ScenarioOptions(Scenario):
    """The fields of `Scenario` as options; checked by `scenario`, not while they are parsed."""

    def __post_init__(self) -> None:
        pass

    def scenario(self) -> Scenario:
        """The checked scenario."""
        return Scenario(**dataclasses.asdict(self))


@dataclasses.dataclass(frozen=True)
class KnowledgeOptions:
    """How far off the channels are that a method is given, and what it designs for."""

    csi_error: float | None = None
    """Error variance e of all channels given: they are √(1−e)·h + √e·gain·CN, with e in [0, 1]; at
    1 only the gain is known."""
    csi_error_users: float | None = None
    """The same of users' channels."""
    csi_error_eavesdroppers: float | None = None
    """The same of eavesdroppers' channels."""
    objective: Literal["sum", "outage"] = "sum"
    """Where channels are not known exactly: the mean of the sum secrecy rate over what they may be,
    or the rate kept with probability 1 - `--outage-probability`."""
    outage_probability: float = 0.05
    """Probability with which an outage is allowed."""

    def errors(self) -> tuple[float, float] | None:
        """e of users and of eavesdroppers; None where nothing is said."""
        given = (self.csi_error, self.csi_error_users, self.csi_error_eavesdroppers)
        names = ("--csi-error", "--csi-error-users", "--csi-error-eavesdroppers")
        for name, error in zip(names, given, strict=True):
            if error is not None:
                checks.check_fraction(name, error)
        if all(error is None for error in given):
            return None
        both, users, eves = given
        checks.require(
            both is None or (users is None and eves is None),
            "`--csi-error` is for all channels: leave it out, or `--csi-error-users` and "
            "`--csi-error-eavesdroppers`",
        )
        return tuple(e if e is not None else both or 0.0 for e in (users, eves))  # pyright: ignore

    def over_draws(self) -> OverDraws:
        """The objective."""
        checks.require(
            0.0 <= self.outage_probability < 1.0,
            f"`--outage-probability` must lie in [0, 1), but is {self.outage_probability}",
        )
        return Outage(self.outage_probability) if self.objective == "outage" else MEAN


def _documentation(method: type[Any]) -> dict[str, str]:
    """The text under each field of a dataclass and of those it derives from."""
    texts: dict[str, str] = {}
    for cls in reversed(method.__mro__[:-1]):
        body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
        assert isinstance(body, ast.ClassDef)
        for field, text in itertools.pairwise(body.body):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                assert isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
                texts[field.target.id] = str(text.value.value)
    return texts


def _defaults(method: type[Any]) -> dict[str, Any]:
    return {field.name: field.default for field in dataclasses.fields(method)}


def _option(name: str) -> tuple[str, Any, Any]:
    """A field of `MethodOptions`: the option of the methods' types, None for their own value."""
    heeding = methods.heeded_by(name)
    row = methods.METHODS[heeding[0]]
    kind = typing.get_type_hints(row.method)[name]
    # A text once, with the methods whose types have it.
    texts: dict[str, list[str]] = {}
    for method in heeding:
        row = methods.METHODS[method]
        text = _documentation(row.method)[name]
        default = {**_defaults(row.method), **row.defaults}.get(name)
        texts.setdefault(text + f" Default {default}." * (default is not None), []).append(method)
    help_ = " ".join(f"For {', '.join(names)}: {text}" for text, names in texts.items())
    choices = typing.get_origin(kind) is Literal
    metavar = "{" + ",".join(typing.get_args(kind)) + "}" if choices else _METAVARS.get(kind, "X")
    return (
        name,
        Annotated[kind | None, tyro.conf.arg(help=help_, metavar=metavar, help_behavior_hint="")],
        None,
    )


_METAVARS = {int: "N", int | None: "N", bool: "{True,False}"}


def _names() -> list[str]:
    """All options of all methods, but for what the name of a method says."""
    named = dict.fromkeys(name for row in methods.METHODS.values() for name in row.options)
    return [name for name in named if name != "model"]


@dataclasses.dataclass(frozen=True)
class _MethodOptions:
    """Options of the methods; one that a method does not heed is refused."""

    def given(self) -> dict[str, Any]:
        """Those that were given."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: value for name, value in values.items() if value is not None}

    def method(self, name: str) -> Method:
        """The method of a name, with what was given.

        Raises:
          InputError: there is no such method, or it does not heed an option.
        """
        try:
            return methods.make(name, **self.given())
        except checks.InputError as error:
            raise as_options(error, "method", *self.given()) from None

    def methods(self, names: Sequence[str], shared: Sequence[str] = ()) -> dict[str, Method]:
        """Several methods by their names, each with what it heeds of what was given.

        Args:
          names: of the methods.
          shared: options that mean something beside the methods, so that none need heed them.

        Raises:
          InputError: there is no such method, or none of them heeds an option.
        """
        for name in names:
            check_method("--methods", name)
        given = self.given()
        for option, value in given.items():
            heeding = [name for name in names if option in methods.METHODS[name].options]
            checks.require(
                bool(heeding) or option in shared or value == methods.NEUTRAL.get(option),
                f"`--{option.replace('_', '-')}` is not heeded by {', '.join(names)}, but by "
                f"{', '.join(methods.heeded_by(option))}",
            )
        made = {}
        for name in names:
            own = {o: v for o, v in given.items() if o in methods.METHODS[name].options}
            made[name] = dataclasses.replace(type(self)(), **own).method(name)
        return made


if TYPE_CHECKING:
    MethodOptions = _MethodOptions
else:
    MethodOptions = dataclasses.make_dataclass(
        "MethodOptions", map(_option, _names()), bases=(_MethodOptions,), frozen=True
    )
    MethodOptions.__doc__ = _MethodOptions.__doc__


def as_options(error: checks.InputError, *names: str) -> checks.InputError:
    """The same error, arguments being called as they are on the command line."""
    text = str(error)
    for name in names:
        text = text.replace(f"`{name}`", f"`--{name.replace('_', '-')}`")
    return checks.InputError(text)


def check_seed(seed: int) -> None:
    """The seed must fit 32 bits."""
    checks.require(0 <= seed < 2**32, f"`--seed` must lie in [0, 2**32), but is {seed}")


def check_method(option: str, method: str) -> None:
    """The method must be a row of `methods.METHODS`."""
    checks.require(
        method in METHODS, f"`{option}` must be one of {', '.join(METHODS)}, but is {method!r}"
    )


def configure(kind: type[Config], command: Any, *besides: str) -> Config:
    """A configuration from the options of a command that have the names of its fields.

    Args:
      kind: a dataclass; fields that the command has no option for keep their defaults.
      command: the parsed command.
      besides: names of all its options that are no field of the configuration.

    Raises:
      TypeError: an option is neither a field nor named in `besides`, so that nothing would heed it.
      InputError: a value is out of its range.
    """
    fields = {field.name for field in dataclasses.fields(kind)}  # pyright: ignore
    options = {field.name: getattr(command, field.name) for field in dataclasses.fields(command)}
    unheeded = sorted(options.keys() - fields - set(besides))
    missing = sorted(set(besides) - options.keys())
    if unheeded or missing:
        raise TypeError(f"options that nothing heeds: {unheeded}; that do not exist: {missing}")
    return kind(**{name: value for name, value in options.items() if name in fields})
