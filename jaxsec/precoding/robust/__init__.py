"""Designs for channels that are not known exactly, by draws of what they may be.

`problem` brings channels and errors into the span of the means, `draws` has draws of the errors and
what beams become through them, `heard` the powers and rates that follow. `split` searches closed-
form beams and noise on draws, `step` and `iterate` are the stochastic power iteration, `solve` is
the program of a batch, `design` has the public functions.
"""

from jaxsec.precoding.robust.design import refine, rzf_ns_robust, stochastic_gpip

__all__ = ["refine", "rzf_ns_robust", "stochastic_gpip"]
