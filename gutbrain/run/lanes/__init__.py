"""The lanes engine: one person in each SIMD lane, compiled from the symbolic reading."""
