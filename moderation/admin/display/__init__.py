"""Shows stored values to people: hostile texts, labels, languages, JSON, times."""
