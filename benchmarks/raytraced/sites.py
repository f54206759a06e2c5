"""Where a base station stands in a city, and the files of the channels traced from there.

| file | holds |
|---|---|
| `NAME.npz` | a channel file (`jaxsec.files.channels`) |
| `NAME-scene.npz` | positions, and a map of roofs, streets and the channel at each street point |
"""

import dataclasses
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jaxsec.channels import Channels
from jaxsec.files.archive import write_arrays
from jaxsec.files.channels import load_channels
from jaxsec.files.reading import read_arrays

FOLDER = Path(__file__).parent


@dataclasses.dataclass(frozen=True)
class Site:
    """A sector antenna above a street; metres and degrees in the scene's own axes."""

    name: str
    """Of the scene in `sionna.rt.scene`."""
    title: str
    """The city."""
    ground: str
    """The scene's object that people walk on."""
    base: tuple[float, float]
    """x, y of the base station."""
    azimuth: float
    """Where the sector looks, counterclockwise from x."""
    corner: tuple[float, float]
    """x, y of the map's lower left corner."""

    base_height: float = 20.0
    """Above the street."""
    tilt: float = 10.0
    """Of the antennas, downwards."""
    map_size: float = 200.0
    """Side of the map."""

    @property
    def channels_file(self) -> Path:
        """The channels."""
        return FOLDER / f"{self.name}.npz"

    @property
    def scene_file(self) -> Path:
        """Positions and map."""
        return FOLDER / f"{self.name}-scene.npz"


SITES = {
    site.name: site
    for site in (
        Site("florence", "Florence", "ground", (0.0, 3.0), -90.0, (-100.0, -192.0)),
        Site("san_francisco", "San Francisco", "Terrain", (30.0, 20.0), 0.0, (25.0, -70.0)),
    )
}
"""Piazza del Duomo to the south; Columbus Avenue and Washington Square to the east."""


class Scene(NamedTuple):
    """What a map of the site needs; metres in the scene's axes, z from its own zero."""

    base: np.ndarray  # [3]
    users: np.ndarray  # [N, K, 3]
    eavesdroppers: np.ndarray  # [N, L, 3]
    near_user: np.ndarray  # [N, L], the user whom each eavesdropper was put beside
    x: np.ndarray  # [X], columns of the map of streets
    y: np.ndarray  # [Y], its rows
    street: np.ndarray  # [Y, X], whether that is open ground
    h_street: np.ndarray  # [S, M] complex, at the street's points row by row; 0 without a path
    roof_x: np.ndarray  # [U], columns of the finer map of roofs
    roof_y: np.ndarray  # [V], its rows
    roof: np.ndarray  # [V, U], height above the base station's street; NaN over open ground


def load(site: Site) -> Channels:
    """The channels of a site."""
    return load_channels(site.channels_file)


def load_scene(site: Site) -> Scene:
    """Positions and map of a site."""
    return Scene(**read_arrays(site.scene_file, Scene._fields))


def save_scene(site: Site, scene: Scene) -> None:
    """Writes positions and map."""
    write_arrays(site.scene_file, scene._asdict())
