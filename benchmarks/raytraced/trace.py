"""Ray tracing: what a street point hears of every antenna of the base station.

Sionna RT finds the paths in its own scenes: line of sight and up to three specular reflections. A
channel is the sum over its paths at the carrier. Neither diffraction nor scattering: the diffracted
paths that are found change with the number of rays, and neighbours would not share them.
"""

import importlib
from typing import Any

import numpy as np

from benchmarks.raytraced.sites import Site
from jaxsec.checks import InputError

CARRIER_HZ = 3.5e9
NUM_ANTENNAS = 8
MAX_DEPTH = 3
"""Most reflections of a path."""
NUM_RAYS = 1_000_000
"""Shot from the base station to find paths; twice as many change nine in ten links by < 3%."""
MAX_PATHS = 5_000_000
"""Room for candidates: in too little of it some are lost."""
PER_CALL = 16
"""Receivers traced at once, which share that room."""
ABOVE = 1000.0
"""Metres, above every roof."""


class Tracer:
    """A scene with its base station.

    Raises:
      InputError: Sionna RT is not installed, or finds no LLVM library.
    """

    def __init__(self, site: Site) -> None:
        self._rt: Any = sionna("sionna.rt")
        self._mi: Any = sionna("mitsuba")
        self._solver = self._rt.PathSolver()
        self.scene = self._rt.load_scene(getattr(self._rt.scene, site.name), merge_shapes=True)
        self.scene.frequency = CARRIER_HZ
        self.scene.tx_array = self._array(NUM_ANTENNAS, "tr38901")
        self.scene.rx_array = self._array(1, "iso")
        self._ground = self._mi.ShapePtr(self.scene.objects[site.ground].mi_mesh)
        self.street_z = float(self.heights(np.array([site.base]))[0][0])
        self.base = np.array([*site.base, self.street_z + site.base_height])
        angles = np.deg2rad([site.azimuth, site.tilt, 0.0])
        self.scene.add(
            self._rt.Transmitter("base", self.base.tolist(), orientation=angles.tolist())
        )

    def _array(self, num_antennas: int, pattern: str) -> Any:
        return self._rt.PlanarArray(
            num_rows=1,
            num_cols=num_antennas,
            vertical_spacing=0.5,
            horizontal_spacing=0.5,
            pattern=pattern,
            polarization="V",
        )

    def heights(self, xy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What is seen from above at points [R, 2].

        Returns:
          z [R] of the highest surface, NaN where there is none, and whether that is the ground.
        """
        x, y = np.asarray(xy, np.float32).T
        origin = self._mi.Point3f(x, y, np.full_like(x, ABOVE))
        hit = self.scene.mi_scene.ray_intersect(
            self._mi.Ray3f(origin, self._mi.Vector3f(0.0, 0.0, -1.0))
        )
        z = np.where(np.array(hit.is_valid()), np.array(hit.p)[2], np.nan)
        return z, np.array(hit.shape == self._ground)

    def channels(
        self, points: np.ndarray, num_rays: int = NUM_RAYS, per_call: int = PER_CALL
    ) -> np.ndarray:
        """Channels h [R, M] of receivers at points [R, 3]; 0 where no path arrives.

        Conjugated, since Sionna receives hᵀx and this library hᴴx.
        """
        parts = [np.zeros((0, NUM_ANTENNAS), np.complex64)]
        for first in range(0, len(points), per_call):
            part = np.asarray(points[first : first + per_call], np.float64)
            names = [f"receiver {i}" for i in range(len(part))]
            for name, point in zip(names, part, strict=True):
                self.scene.add(self._rt.Receiver(name, point.tolist()))
            paths = self._solver(
                self.scene,
                max_depth=MAX_DEPTH,
                max_num_paths_per_src=MAX_PATHS,
                samples_per_src=num_rays,
                refraction=False,
            )
            response = paths.cfr(frequencies=[0.0], normalize_delays=False, out_type="numpy")
            for name in names:
                self.scene.remove(name)
            parts.append(np.conj(response[:, 0, 0, :, 0, 0]))
        return np.concatenate(parts).astype(np.complex64)


def sionna(module: str) -> Any:
    """A module that Sionna RT brings; mitsuba only after `sionna.rt`, which sets it up.

    Raises:
      InputError: it is not installed, or finds no LLVM library.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        raise InputError(
            "sionna-rt is missing: ray tracing needs the extra `bench`, pip install 'jaxsec[bench]'"
        ) from None
    except ImportError as error:
        raise InputError(
            f"ray tracing cannot start: {' '.join(str(error).split())[:160]} "
            "(on a CPU it needs an LLVM library, named by DRJIT_LIBLLVM_PATH)"
        ) from None
