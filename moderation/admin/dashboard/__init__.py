"""The dashboard: figures of the pipeline, of the people and of the model, with charts and CSV."""
