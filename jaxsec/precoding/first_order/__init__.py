"""First-order ascent for any objective under any power constraint.

`design` has the public function, `solve` the compiled program of a batch, `step` the mathematics of
one step, `value` the objective of beams.
"""

from jaxsec.precoding.first_order.design import DEFAULT_STEPS, AscentInfo, AscentResult, ascent

__all__ = ["DEFAULT_STEPS", "AscentInfo", "AscentResult", "ascent"]
