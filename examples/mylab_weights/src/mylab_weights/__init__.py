"""Weights of an imaginary laboratory, as multiweight finds them once this package is installed."""
