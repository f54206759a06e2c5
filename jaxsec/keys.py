"""Random keys of a command's seed, a named one for each use."""

import jax


def keys(seed: int) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Keys for channels, designs and reference; `sample` and `compare` draw the same channels."""
    key_channels, key_design, key_reference = jax.random.split(jax.random.key(seed), 3)
    return key_channels, key_design, key_reference
