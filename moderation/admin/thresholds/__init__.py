"""The pages of policies: thresholds in force, what others would change, curves."""
