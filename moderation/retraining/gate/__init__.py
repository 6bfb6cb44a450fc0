"""Decides whether a candidate is better than the active version, and proves it: figures in, a verdict out.

Pages import `verdict` and `needs` alone, which need no numpy.
"""
