"""The core stays light: no training library is loaded by it, and the facade is explicit."""

import subprocess
import sys

import pytest

import jaxsec

HEAVY = ("flax", "optax", "orbax", "matplotlib", "scipy", "tyro", "rich", "h5py")


@pytest.mark.slow
def test_core_loads_no_training_or_plotting_library():
    program = (
        "import sys, jaxsec, jaxsec.precoding.reference, jaxsec.interop; "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_everything_promised_is_there():
    assert all(hasattr(jaxsec, name) for name in jaxsec.__all__)
