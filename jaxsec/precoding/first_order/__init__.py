"""First-order ascent for any objective under any power constraint.

`design` has the public function, `refine` a few steps from a given strategy, `problems` what both
hand to `solve`, the compiled program of a batch; `step` has the mathematics of one step, `limits`
the power constraints in it, `modulus` a step of beams of constant modulus, `value` the objective of
beams; `least_power` has what least power for given rates takes beside.
"""

from jaxsec.precoding.first_order.design import (
    AscentInfo,
    AscentResult,
    ascent,
    default_steps,
)

__all__ = ["AscentInfo", "AscentResult", "ascent", "default_steps"]
