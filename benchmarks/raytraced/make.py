"""Traces the channels of the ray-traced benchmark, and a map of the streets around.

    python -m benchmarks.raytraced.make [--only florence] [--seed 60260]

Needs the extra `bench` and, without a GPU, an LLVM library (version 19 works, 15 does not), which
DRJIT_LIBLLVM_PATH may name. A base station with 8 antennas (half-wavelength uniform linear array,
3GPP TR 38.901 pattern, vertical polarisation, tilted by 10°) stands 20 m above a street and sends
at 3.5 GHz. Users stand on streets, 1.5 m above ground, 30 to 200 m away within the sector of 120°;
each eavesdropper within 5 m of a random user. Every link has a path, and users hear each antenna at
0 dB of SNR or more. Power and noise are those of P1, 20 and −100 dBm.
"""

import dataclasses
import sys
from collections.abc import Callable
from typing import Literal

import numpy as np
import tyro

from benchmarks.raytraced.sites import SITES, Scene, Site, save_scene
from benchmarks.raytraced.trace import Tracer
from jaxsec import Scenario, keys
from jaxsec.channels import Channels
from jaxsec.checks import InputError
from jaxsec.files.channels import save_channels

SCENARIO = Scenario(min_distance_m=30.0, max_distance_m=200.0)
"""Counts, distances, power and noise; gains come from the rays."""
SECTOR = 60.0
"""Degrees to either side that users stand in."""
RECEIVER_HEIGHT = 1.5
"""Metres above ground."""
STREET_STEP, ROOF_STEP = 2.0, 1.0
"""Metres between points of the maps."""
MAP_RAYS, MAP_PER_CALL = 100_000, 256
"""Fewer rays for more points: the map is for the eye."""
MOST_DRAWS = 200
"""Of a receiver, until one is good."""

Draw = Callable[[np.ndarray], np.ndarray]
"""Positions [R, 2] of these rows."""


@dataclasses.dataclass(frozen=True)
class Command:
    only: Literal["florence", "san_francisco"] | None = None
    num_channels: int = 64
    seed: int = 60260


def place(tracer: Tracer, num: int, draw: Draw, min_gain: float) -> tuple[np.ndarray, np.ndarray]:
    """Draws receivers anew until all stand on a street and hear enough.

    Args:
      tracer: of the site.
      num: receivers R.
      draw: their positions.
      min_gain: what |h|² of an antenna must exceed in the mean.

    Returns:
      Positions [R, 3] and channels [R, M].

    Raises:
      InputError: some find no place.
    """
    points = np.zeros((num, 3))
    h = np.zeros((num, SCENARIO.num_antennas), np.complex64)
    missing = np.arange(num)
    for _ in range(MOST_DRAWS):
        xy = draw(missing)
        z, open_ground = tracer.heights(xy)
        points[missing] = np.column_stack([xy, z + RECEIVER_HEIGHT])
        h[missing] = 0.0
        h[missing[open_ground]] = tracer.channels(points[missing[open_ground]])
        gain = np.mean(np.abs(h) ** 2, axis=-1, dtype=np.float64)
        missing = np.flatnonzero(gain <= min_gain)
        print(f"{num - missing.size} of {num} receivers", file=sys.stderr, flush=True)
        if not missing.size:
            return points, h
    raise InputError(f"{missing.size} of {num} receivers find no place after {MOST_DRAWS} draws")


def receivers(
    tracer: Tracer, site: Site, command: Command
) -> tuple[Channels, np.ndarray, np.ndarray, np.ndarray]:
    """The channels, positions of users and eavesdroppers, and whom each eavesdropper is near."""
    n, num_users, num_eves = command.num_channels, SCENARIO.num_users, SCENARIO.num_eavesdroppers
    rng = keys.generator(command.seed, f"raytraced/{site.name}")

    def in_sector(missing: np.ndarray) -> np.ndarray:
        near, far = SCENARIO.min_distance_m, SCENARIO.max_distance_m
        distance = np.sqrt(rng.uniform(near**2, far**2, missing.size))
        angle = np.deg2rad(site.azimuth + rng.uniform(-SECTOR, SECTOR, missing.size))
        return np.array(site.base) + around(distance, angle)

    users, h_user = place(tracer, n * num_users, in_sector, SCENARIO.noise_power)
    users = users.reshape(n, num_users, 3)
    near_user = rng.integers(num_users, size=(n, num_eves))
    centres = np.take_along_axis(users, near_user[..., None], axis=1).reshape(-1, 3)[:, :2]

    def near_centre(missing: np.ndarray) -> np.ndarray:
        distance = SCENARIO.eavesdropper_radius_m * np.sqrt(rng.uniform(size=missing.size))
        angle = rng.uniform(0.0, 2.0 * np.pi, missing.size)
        return centres[missing] + around(distance, angle)

    eavesdroppers, h_eve = place(tracer, n * num_eves, near_centre, 0.0)
    channels = Channels(
        h_user.reshape(n, num_users, -1),
        h_eve.reshape(n, num_eves, -1),
        np.asarray(SCENARIO.noise_power),
    )
    return channels, users, eavesdroppers.reshape(n, num_eves, 3), near_user


def around(distance: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Offsets [R, 2] of a distance in a direction."""
    return np.column_stack([distance * np.cos(angle), distance * np.sin(angle)])


def grid(site: Site, step: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x and y of a map's points, and all of them [Y·X, 2], row by row."""
    axis = np.arange(step / 2, site.map_size, step)
    x, y = site.corner[0] + axis, site.corner[1] + axis
    return x, y, np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def main(command: Command) -> int:
    """Traces and writes."""
    for site in SITES.values():
        if command.only in (None, site.name):
            make(site, command)
    return 0


def make(site: Site, command: Command) -> None:
    """Both files of a site."""
    tracer = Tracer(site)
    channels, users, eavesdroppers, near_user = receivers(tracer, site, command)
    save_channels(site.channels_file, channels)
    x, y, points = grid(site, STREET_STEP)
    z, street = tracer.heights(points)
    points = np.column_stack([points, z + RECEIVER_HEIGHT])[street]
    h_street = tracer.channels(points, MAP_RAYS, MAP_PER_CALL)
    roof_x, roof_y, points = grid(site, ROOF_STEP)
    z, open_ground = tracer.heights(points)
    roof = np.where(open_ground, np.nan, z - tracer.street_z)
    save_scene(
        site,
        Scene(
            base=tracer.base,
            users=users.astype(np.float32),
            eavesdroppers=eavesdroppers.astype(np.float32),
            near_user=near_user.astype(np.int8),
            x=x,
            y=y,
            street=street.reshape(y.size, x.size),
            h_street=h_street,
            roof_x=roof_x,
            roof_y=roof_y,
            roof=roof.reshape(roof_y.size, roof_x.size).astype(np.float16),
        ),
    )
    print(f"written to {site.channels_file.name} and {site.scene_file.name}")


if __name__ == "__main__":
    try:
        sys.exit(main(tyro.cli(Command)))
    except InputError as error:
        sys.exit(f"error: {error}")
