"""What the database does for the rest of the app: locks, bulk values, migrations, transactions."""
