#!/bin/sh
# Writes deploy/secrets/: passwords made here, for compose.yaml. Files that are there already are kept.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets
made() { [ -s "secrets/$1" ] || cat > "secrets/$1"; }
random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
random | made postgres_password
random | made aws_secret_access_key
random | made redis_password
random | made milvus_password
printf docmill | made aws_access_key_id
printf 'postgresql+psycopg2://docmill:%s@postgres:5432/docmill' "$(cat secrets/postgres_password)" | made docmill_ledger_url
printf 'root:%s' "$(cat secrets/milvus_password)" | made docmill_milvus_token
printf 'COMMON_SECURITY_DEFAULTROOTPASSWORD=%s\n' "$(cat secrets/milvus_password)" | made milvus.env
printf 'redis://:%s@redis:6379/0' "$(cat secrets/redis_password)" | made celery_broker_url
printf 'redis://:%s@redis:6379/1' "$(cat secrets/redis_password)" | made celery_result_backend
printf 'requirepass %s\nappendonly yes\ndir /data\n' "$(cat secrets/redis_password)" | made redis.conf
printf '{"identities": [{"name": "docmill", "credentials": [{"accessKey": "%s", "secretKey": "%s"}], "actions": ["Admin", "Read", "Write", "List", "Tagging"]}]}\n' \
  "$(cat secrets/aws_access_key_id)" "$(cat secrets/aws_secret_access_key)" | made s3.json
chmod 644 secrets/*  # containers run as users of their own; the folder is yours alone (0700)
