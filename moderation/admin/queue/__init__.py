"""The queue: its lists, what narrows them, and the views that deal, decide and answer."""
