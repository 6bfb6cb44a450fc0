"""Tells authors before they post that a text may be read as an insult; they edit it or post it anyway."""
