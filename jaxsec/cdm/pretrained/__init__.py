"""Shipped weights, each with a model card beside it (`jaxsec.cdm.file`); Apache-2.0, as the code.

| name | network | coordinates | for |
| --- | --- | --- | --- |
| `cdm-set` | set denoiser | received gains | any K and L up to 8, any M: the default |
| `cdm-f` | set denoiser | known | fine-tuned on the secrecy rate: Rayleigh, streets, errors |
| `cdm-f-rayleigh` | set denoiser | received gains | the same, Rayleigh channels known exactly |
| `setnet-robust` | set denoiser, small | known | the same without diffusion, one call |
| `cdm-mlp` | MLP | received gains | the same range; the ablation CDM-MLP |
| `cdm-unet` | U-Net of P1 | received gains | K = 2, L = 4, half precision |
| `cdm-f-unet` | U-Net of P1 | aligned | the same, fine-tuned on the secrecy rate |
| `cdm-antenna` | U-Net, small | antennas | K = 2, L = 4, M = 8; P1's own, to show the difference |
"""

import functools
from pathlib import Path

from jaxsec.cdm import file as cdm_file
from jaxsec.cdm.model import Model
from jaxsec.learning import shipped

FOLDER = Path(__file__).parent


def names() -> tuple[str, ...]:
    """The models that are shipped."""
    return shipped.names(FOLDER)


@functools.cache
def load(name: str) -> Model:
    """The shipped model called `name`.

    Raises:
      InputError: there is no such model, or its files are damaged.
    """
    return cdm_file.load(shipped.path(FOLDER, name))
