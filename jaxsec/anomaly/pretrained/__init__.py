"""Shipped detectors, each with a card beside it (`jaxsec.anomaly.file`); Apache-2.0, as the code.

| name | finds | in |
| --- | --- | --- |
| `waterfalls` | jammers | spectrum waterfalls of `jaxsec.anomaly.waterfalls` |
| `snapshots` | spoofed pilots | channel snapshots of `jaxsec.anomaly.snapshots` |
"""

import functools
from pathlib import Path

from jaxsec import checks
from jaxsec.anomaly import file as anomaly_file
from jaxsec.anomaly.file import Trained

FOLDER = Path(__file__).parent


def names() -> tuple[str, ...]:
    """The trainings that are shipped."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.npz")))


@functools.cache
def load(name: str) -> Trained:
    """The shipped training called `name`.

    Raises:
      InputError: there is no such training, or its files are damaged.
    """
    checks.require(name in names(), f"`name` must be one of {', '.join(names())}, but is {name!r}")
    return anomaly_file.load(FOLDER / f"{name}.npz")
