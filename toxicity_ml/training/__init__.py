"""Fine-tuning: ``fine_tune.train`` makes a checkpoint of rows. Importing this package loads nothing heavy."""
