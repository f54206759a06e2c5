"""Channels traced through the streets of two cities, and what designs reach on them.

`sites` says where the base station stands, `trace` asks the ray tracer, `make` draws and saves,
`judge` compares methods on what is saved, `figure` draws the map of a street.
"""
