"""Whether an installation is sound: versions, devices, limits of the machine, weights, one design.

Each check is a function that returns its finding, and nothing that it does is left behind.
"""

import importlib.metadata
import platform
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from jaxsec import checks, extras
from jaxsec.channels import Channels, Scenario, sample_channels
from jaxsec.cores import usable_cores
from jaxsec.designer import design
from jaxsec.learning import weights
from jaxsec.report import judge
from jaxsec.version import __version__

PACKAGES = ("jax", "jaxlib", "numpy", "scipy", "jaxtyping")
DISTRIBUTIONS = {"orbax": "orbax-checkpoint", "sklearn": "scikit-learn"}
"""Packages whose distribution has another name."""
MIN_MAPS = 65_530
"""Memory maps that Linux allows a process by default; compiled programs take thousands, and XLA
ends a process that wants more than there are."""
MAX_LOSS = 0.01
"""Bit/s/Hz that the design may stay below the optimum in the mean, float32 and convergence."""
NUM_CHANNELS = 16


class Finding(NamedTuple):
    """What one check found."""

    name: str
    ok: bool
    text: str


def examine() -> list[Finding]:
    """All checks, in the order in which a failure explains those after it."""
    return [versions(), optional(), devices(), memory_maps(), trained(), known_rate()]


def versions() -> Finding:
    """What is installed, of what every design needs."""
    found = [f"{name} {importlib.metadata.version(name)}" for name in PACKAGES]
    own = [f"jaxsec {__version__}", f"Python {platform.python_version()}"]
    return Finding("versions", True, ", ".join([*own, *found]))


def optional() -> Finding:
    """What is installed of the extras; none of them must be."""
    found = []
    for package, extra in extras.EXTRAS.items():
        try:
            version = importlib.metadata.version(DISTRIBUTIONS.get(package, package))
        except importlib.metadata.PackageNotFoundError:
            version = f"missing (jaxsec[{extra}])"
        found.append(f"{package} {version}")
    return Finding("extras", True, ", ".join(found))


def devices() -> Finding:
    """Where JAX computes, and the cores that this process may use."""
    try:
        names = sorted({device.device_kind for device in jax.devices()})
    except RuntimeError as error:  # a backend that was asked for does not start
        return Finding("devices", False, " ".join(str(error).split()))
    text = f"{jax.device_count()} of {jax.default_backend()} ({', '.join(names)})"
    return Finding("devices", True, f"{text}, cores {usable_cores()}")


def memory_maps(limit: Path = Path("/proc/sys/vm/max_map_count")) -> Finding:
    """How many memory maps a process may have."""
    if not limit.is_file():
        return Finding("memory maps", True, "no limit of Linux's kind here")
    allowed = int(limit.read_text())
    text = f"{allowed:,} allowed"
    if allowed < MIN_MAPS:
        text += f", at least {MIN_MAPS:,} wanted: sysctl vm.max_map_count={MIN_MAPS}"
    return Finding("memory maps", allowed >= MIN_MAPS, text)


def trained(folder: Path = Path(__file__).parents[1]) -> Finding:
    """Whether the weights that systems ship are those of their cards, by their hashes."""
    files = sorted(folder.glob("*/pretrained/*.npz"))
    try:
        for file in files:
            weights.load(file)
    except checks.InputError as error:
        return Finding("weights", False, str(error))
    text = f"{len(files)} files with the hashes of their cards"
    return Finding("weights", bool(files), text if files else f"none in {folder}")


def known_rate() -> Finding:
    """One design with one user and one eavesdropper, where the optimum is known in closed form."""
    scenario = Scenario(num_users=1, num_eavesdroppers=1)
    channels = sample_channels(jax.random.key(0), scenario, NUM_CHANNELS)
    reached = judge.secrecy_rates(design(channels), channels).sum(axis=-1).mean()
    best = single_user_capacity(channels).mean()
    text = f"opt {reached:.3f} of {best:.3f} bit/s/Hz, {NUM_CHANNELS} channels of one user"
    return Finding("design", bool(abs(best - reached) <= MAX_LOSS), text)


def single_user_capacity(channels: Channels) -> np.ndarray:
    """Secrecy capacity [...] with K = L = 1, bit/s/Hz, in float64.

    log₂ of the largest generalised eigenvalue of (I + hhᴴ/n, I + ggᴴ/n): A. Khisti and
    G. W. Wornell, IEEE Trans. Inf. Theory 56(7), 2010. It needs no noise.

    Args:
      channels: `h_user` [..., 1, M], `h_eve` [..., 1, M], `noise_power` [...].
    """
    scale = np.sqrt(np.asarray(channels.noise_power, float))[..., None]
    h, g = (
        np.asarray(x, np.complex128)[..., 0, :] / scale for x in (channels.h_user, channels.h_eve)
    )
    eye = np.eye(h.shape[-1])
    signal, leakage = (eye + x[..., :, None] * x[..., None, :].conj() for x in (h, g))
    eigenvalues = np.linalg.eigvals(np.linalg.solve(leakage, signal)).real
    return np.log2(eigenvalues.max(axis=-1))
