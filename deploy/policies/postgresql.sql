-- Two roles in a database that both docmill and Dagster use: psql --dbname docmill --file deploy/policies/postgresql.sql
-- (for databases of their own: once in each).
-- Then give them passwords: \password docmill_owner, \password docmill_reader
-- The owner applies migrations and runs everything; the reader is for dashboards and backups (pg_dump). Nobody else gets in.
-- Run it before the first start: what is there already stays its maker's.
\set ON_ERROR_STOP on
SELECT 'CREATE ROLE docmill_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION CONNECTION LIMIT 200'
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'docmill_owner') \gexec
SELECT 'CREATE ROLE docmill_reader LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION CONNECTION LIMIT 20'
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'docmill_reader') \gexec
REVOKE ALL ON DATABASE :"DBNAME" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"DBNAME" TO docmill_owner, docmill_reader;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO docmill_owner;
GRANT USAGE ON SCHEMA public TO docmill_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE docmill_owner IN SCHEMA public GRANT SELECT ON TABLES TO docmill_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE docmill_owner IN SCHEMA public GRANT SELECT ON SEQUENCES TO docmill_reader;
