"""Keys to the API: made, withdrawn, found in a request, checked, counted."""
