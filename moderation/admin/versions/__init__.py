"""The pages of model versions: the list, one version, two side by side, and what changes them."""
