"""From a sequence-classification checkpoint of transformers to a version directory of this library."""
