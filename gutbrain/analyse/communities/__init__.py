"""Distances between samples, diversity, ordination, and tests of whole communities."""
