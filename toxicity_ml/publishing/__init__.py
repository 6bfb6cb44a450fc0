"""From a checkpoint to a version directory: export, quantisation, merging, the manifest."""
