#!/bin/sh
# Each file in /run/secrets (Docker's and Podman's place) becomes a variable of its name: docmill_ledger_url is
# DOCMILL_LEDGER_URL. What is in the environment already wins. Then the command takes the place of this shell.
set -eu
for file in "${SECRETS_FOLDER:-/run/secrets}"/*; do
  [ -f "$file" ] || continue
  name=$(basename "$file" | tr 'a-z.-' 'A-Z__')
  eval "known=\${$name+yes}"
  [ -n "$known" ] || export "$name=$(cat "$file")"
done
unset SECRETS_FOLDER file name known
exec "$@"
