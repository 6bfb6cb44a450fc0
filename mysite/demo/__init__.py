"""`manage.py demo`: the whole loop on one machine, nothing installed, nothing left running."""
