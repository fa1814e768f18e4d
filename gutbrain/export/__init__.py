"""Axes and runs written for other programs."""
