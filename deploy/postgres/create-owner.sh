#!/bin/sh
# Run once by the image of PostgreSQL, when its volume is empty: the site's role owns the site's database and
# nothing else. The superuser loses its password, so that it logs in from within this container alone.
set -eu
psql --set ON_ERROR_STOP=1 --no-psqlrc --quiet --username postgres --dbname postgres <<'SQL'
\getenv password POSTGRES_PASSWORD
CREATE ROLE moderation LOGIN PASSWORD :'password';
CREATE DATABASE moderation OWNER moderation;
REVOKE CONNECT ON DATABASE postgres FROM PUBLIC;
ALTER ROLE postgres PASSWORD NULL;
SQL
