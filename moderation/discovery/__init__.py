"""Finds what no receiver saw: new objects, edits behind the ORM, rows that are gone."""
