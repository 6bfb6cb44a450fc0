"""What the site decides of an author: whether all their texts are held, or none."""
