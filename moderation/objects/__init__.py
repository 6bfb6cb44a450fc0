"""What the app reads of a site's objects: their text and their keys."""
