"""A plane to look at: receivers placed by hand, a design for them, and what is heard where.

`plane` has the channel of every point, `view` a design and its rates, `figure` its maps, and `app`
the page with sliders that `jaxsec explore` opens.
"""
