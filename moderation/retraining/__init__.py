"""From decisions to a better model version: training data, the training process, the gate."""
