"""Designs for channels that are not known exactly, by draws of what they may be.

`problem` brings channels and errors into the span of the means, `split` searches closed-form beams
and noise on draws, `step` and `iterate` are the stochastic power iteration, `design` has the
public functions.
"""

from jaxsec.precoding.robust.design import refine, rzf_ns_robust, stochastic_gpip

__all__ = ["refine", "rzf_ns_robust", "stochastic_gpip"]
