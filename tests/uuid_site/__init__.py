"""A site whose users and comments have UUIDs for keys; its settings can't be the tests' own."""
