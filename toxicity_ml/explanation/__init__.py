"""The parts of ``toxicity_ml.explain``, which is where to import from."""
