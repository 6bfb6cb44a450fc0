"""Shows an operator how moderation fares: figures, metrics, health. A site works without any of it."""
