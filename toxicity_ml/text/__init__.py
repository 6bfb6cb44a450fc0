"""What a text is before the tokenizer: repaired, cut into pieces, read without its disguises."""
