"""Records what people decide, chooses what they are shown for it, and counts what follows."""
