"""Shipped detectors, each with a card beside it (`jaxsec.anomaly.file`); Apache-2.0, as the code.

| name | finds | in |
| --- | --- | --- |
| `waterfalls` | jammers | spectrum waterfalls of `jaxsec.anomaly.waterfalls` |
| `snapshots` | spoofed pilots | channel snapshots of `jaxsec.anomaly.snapshots` |
"""

import functools
from pathlib import Path

from jaxsec.anomaly import file as anomaly_file
from jaxsec.anomaly.file import Trained
from jaxsec.learning import shipped

FOLDER = Path(__file__).parent


def names() -> tuple[str, ...]:
    """The trainings that are shipped."""
    return shipped.names(FOLDER)


@functools.cache
def load(name: str) -> Trained:
    """The shipped training called `name`.

    Raises:
      InputError: there is no such training, or its files are damaged.
    """
    return anomaly_file.load(shipped.path(FOLDER, name))
