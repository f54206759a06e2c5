"""Measurements behind the README's claims, modules to be started from the repository's root.

`points` has P1's points, `report` what every benchmark prints and writes.
"""
