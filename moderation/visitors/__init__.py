"""Pages for a site's visitors: a reader reports a text, an author asks for a second look."""
