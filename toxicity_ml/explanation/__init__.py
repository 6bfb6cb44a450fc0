"""The parts of ``toxicity_ml.explanation.api``, which is where to import from."""
