"""Shipped weights, each with a card beside it; Apache-2.0, as the code.

| name | what | for |
| --- | --- | --- |
| `channels` | denoiser of channel estimates, and its control | 16 antennas, four clusters of 5° |
| `symbols` | coders, denoisers and controls, decoders | digits, AWGN and Rayleigh, 5, 10, 20 dB |
"""

from pathlib import Path

from jaxsec import checks
from jaxsec.files.archive import naming
from jaxsec.learning import shipped, weights

FOLDER = Path(__file__).parent
KINDS = ("channels", "symbols")
"""What a model denoises, by the word in its card."""


def names() -> tuple[str, ...]:
    """The models that are shipped."""
    return shipped.names(FOLDER)


def path(model: str) -> Path:
    """The file of a shipped model by its name, or the one that is named itself.

    Raises:
      InputError: it is neither.
    """
    return shipped.find(FOLDER, model)


def kind(path: Path) -> str:
    """What the model in a file denoises, by its card: one of `KINDS`.

    Raises:
      InputError: there is no such file, or it is none of these.
    """
    with naming(path):
        checks.require(path.is_file(), "there is no such file")
    config = weights.read_card(path).get("config")
    found = config.get("denoises") if isinstance(config, dict) else None
    with naming(path):
        checks.require(
            found in KINDS,
            f"must be a denoiser of {' or '.join(KINDS)}, but its card tells of another model",
        )
    return str(found)
