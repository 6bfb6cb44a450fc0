"""Phrases of our own, from which counterexamples are composed; all of them written for this library."""
