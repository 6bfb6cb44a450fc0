"""Makes a better model version of people's decisions: training data, the training process, the gate."""
