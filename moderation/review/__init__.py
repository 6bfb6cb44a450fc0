"""What people decide, what they are shown for it, and what follows from their decisions in numbers."""
