-- Two roles in a database that both docmill and Dagster use: psql --dbname docmill --file deploy/policies/postgresql.sql
-- Then give them passwords: \password docmill_owner, \password docmill_reader
-- The owner applies migrations and runs everything; the reader is for dashboards and backups (pg_dump).
CREATE ROLE docmill_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION CONNECTION LIMIT 200;
CREATE ROLE docmill_reader LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION CONNECTION LIMIT 20;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO docmill_owner;
GRANT USAGE ON SCHEMA public TO docmill_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO docmill_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE docmill_owner IN SCHEMA public GRANT SELECT ON TABLES TO docmill_reader;
