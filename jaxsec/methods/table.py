"""The table of methods by their names, and how a name with options becomes a method."""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

from jaxsec import checks
from jaxsec.methods.classical import (
    Gpip,
    LoadedGpip,
    Mrt,
    PlainGpip,
    Rzf,
    RzfNs,
    Zf,
)
from jaxsec.methods.generative import Diffusion, RobustDiffusion
from jaxsec.methods.method import Aiming, Knowing, Method
from jaxsec.methods.uncertain import RobustRzfNs, StochasticGpip
from jaxsec.precoding.problem import DEFAULT_NOISE_BEAMS
from jaxsec.secrecy import PowerConstraint
from jaxsec.secrecy.power import check_noise_beams


class Row(NamedTuple):
    """A name of `METHODS`."""

    method: type[Any]
    fixed: Mapping[str, Any] = {}
    """Options that the name fixes."""
    defaults: Mapping[str, Any] = {}
    """Options whose default differs from the type's."""

    @property
    def options(self) -> tuple[str, ...]:
        """The options that the method heeds."""
        fields = dataclasses.fields(self.method)
        return tuple(field.name for field in fields if field.name not in self.fixed)


def _of_model(name: str, method: type[Any] = Diffusion) -> Row:
    return Row(method, {"model": name, "denoiser": "set", "num_noise_beams": 2})


METHODS: dict[str, Row] = {
    "mrt": Row(Mrt),
    "zf": Row(Zf),
    "rzf": Row(Rzf),
    "rzf-ns": Row(RzfNs),
    "rzf-ns-aimed": Row(RzfNs, defaults={"num_noise_beams": DEFAULT_NOISE_BEAMS}),
    "opt-plain": Row(PlainGpip),
    "opt": Row(Gpip),
    "opt-loaded": Row(LoadedGpip),
    "rzf-ns-robust": Row(RobustRzfNs),
    "opt-robust": Row(StochasticGpip),
    "cdm": Row(Diffusion, {"model": "cdm", "num_noise_beams": 2}),
    "cdm-mlp": _of_model("cdm-mlp"),
    "cdm-antenna": _of_model("cdm-antenna"),
    "cdm-f-rayleigh": _of_model("cdm-f-rayleigh"),
    "cdm-f": Row(RobustDiffusion, {"model": "cdm-f"}),
    "setnet-robust": Row(
        RobustDiffusion,
        {"model": "setnet-robust", "denoiser": "set", "num_samples": 1, "ddim_steps": 1},
        {"refine": 15},
    ),
}
"""Every method by its name on the command line."""

NEUTRAL: Mapping[str, Any] = {
    "num_starts": 1,
    "num_samples": 1,
    "refine": 0,
    "denoiser": "set",
    "fallback": True,
}
"""Values at which an option asks for nothing: no contradiction where it is not heeded."""


def make(method: str | Method, **options: Any) -> Method:
    """The method of a name, with its options.

    Args:
      method: a name in `METHODS`, a .npz file of a diffusion model, or a method as it is.
      options: fields of its type; None stands for the method's own.

    Raises:
      InputError: there is no such method, it does not heed an option, or an option is out of its
        range.
    """
    given = {name: value for name, value in options.items() if value is not None}
    if not isinstance(method, str):
        checks.require(
            isinstance(method, Method),
            f"`method` must be a name or a method such as Gpip(), but is {method!r}",
        )
        checks.require(
            not given,
            f"`{next(iter(given), None)}` must be a field of `method` where that is no name, "
            f"as in {type(method).__name__}(...)",
        )
        return method
    file = method.endswith(".npz")
    row = _of_model(method, RobustDiffusion) if file else METHODS.get(method)
    if row is None:
        raise checks.InputError(
            f"`method` must be one of {', '.join(METHODS)}, or a .npz file, but is {method!r}"
        )
    for name in given:
        _check_heeded(method, row, name, given[name])
    own = {field.name for field in dataclasses.fields(row.method)}
    values = {**row.defaults, **given, **row.fixed}
    return row.method(**{name: value for name, value in values.items() if name in own})


def knowing(*, directions: bool = False) -> tuple[str, ...]:
    """Names of the methods that can use what is known of channels beside their means.

    Args:
      directions: only those that can use the covariance of an error.
    """
    methods = {name: row.method for name, row in METHODS.items() if issubclass(row.method, Knowing)}
    return tuple(name for name, method in methods.items() if not directions or _directed(method))


def check_knows(name: str, method: Method, directions: bool) -> None:
    """Refuses a method that cannot use what is known of channels.

    Args:
      name: of the method.
      method: what is to design.
      directions: whether errors have a covariance.

    Raises:
      InputError: it cannot.
    """
    checks.require(
        isinstance(method, Knowing),
        f"`method` {name!r} designs for channels that are known exactly; where they are not, "
        f"it must be one of {', '.join(knowing())}",
    )
    checks.require(
        not directions or _directed(method),
        f"`method` {name!r} takes errors to have no direction; where they have a covariance, "
        f"it must be one of {', '.join(knowing(directions=True))}",
    )


def check_aims(name: str, method: Method, power: PowerConstraint) -> Aiming:
    """Refuses a method that designs for the sum of the rates at total power alone, and artificial
    noise that the power constraint does not allow.

    Args:
      name: of the method.
      method: what is to design.
      power: a row of `secrecy.POWERS`.

    Returns:
      The method.

    Raises:
      InputError: it does, or asks for noise.
    """
    if isinstance(method, Aiming):
        check_noise_beams(power, getattr(method, "num_noise_beams", None))
        return method
    aiming = [other for other, row in METHODS.items() if issubclass(row.method, Aiming)]
    raise checks.InputError(
        f"`method` {name!r} designs for the sum of the rates at total power; for another "
        f"`objective` or `power` it must be one of {', '.join(aiming)}"
    )


def heeded_by(option: str) -> tuple[str, ...]:
    """Names of the methods that heed an option."""
    return tuple(name for name, row in METHODS.items() if option in row.options)


def _check_heeded(method: str, row: Row, option: str, value: Any) -> None:
    known = heeded_by(option)
    checks.require(bool(known), f"there is no option `{option}` of any method")
    if option in row.options:
        return
    wanted = row.fixed.get(option, NEUTRAL.get(option))
    checks.require(
        wanted is not None and value == wanted,
        f"`{option}` is not heeded by method {method!r}, but by {', '.join(known)}"
        + (f" (here it is {wanted!r})" if option in row.fixed else "")
        + f"; it is {value!r}",
    )


def _directed(method: Any) -> bool:
    return getattr(method, "takes_directions", False)
