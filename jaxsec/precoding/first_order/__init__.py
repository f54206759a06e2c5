"""First-order ascent for any objective under any power constraint.

`design` has the public function, `refine` a few steps from a given strategy, `problems` what both
hand to `solve`, the compiled program of a batch; `step` has the mathematics of one step, `limits`
the power constraints in it, `value` the objective of beams.
"""

from jaxsec.precoding.first_order.design import DEFAULT_STEPS, AscentInfo, AscentResult, ascent

__all__ = ["DEFAULT_STEPS", "AscentInfo", "AscentResult", "ascent"]
