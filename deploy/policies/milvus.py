"""Makes Milvus users for docmill that may do no more than they need; run it as root of Milvus 2.3 or newer.

    MILVUS_ROOT=root:PASSWORD MILVUS_WRITER=docmill:NEW_PASSWORD MILVUS_READER=reader:NEW_PASSWORD \
        python deploy/policies/milvus.py http://milvus:19530

The writer ingests and searches; the reader, who may be left out, only searches (for a service that ingests nothing).
The server must ask for users (`common.security.authorizationEnabled`). A user that is there keeps its password. Neither
may make users, roles or databases. It takes some seconds until the server's proxies know what was granted.
"""

import os
import sys

from pymilvus import MilvusClient

READ = {
    "Global": ("DescribeCollection", "ShowCollections", "DescribeAlias", "ListAliases"),
    "Collection": ("Load", "GetLoadState", "GetLoadingProgress", "IndexDetail", "Search", "Query"),
}
WRITE = {  # it makes, aliases and drops the collections of its generations
    "Global": (*READ["Global"], "CreateCollection", "DropCollection", "CreateAlias"),
    "Collection": (*READ["Collection"], "CreateIndex", "Upsert", "Delete"),
}


def grant(client: MilvusClient, account: str, privileges: dict[str, tuple[str, ...]]) -> None:
    """The account is there with a role of its own that has these privileges on every collection of the database."""
    name, _, password = account.partition(":")
    if name not in client.list_users():
        client.create_user(user_name=name, password=password)
    if name not in client.list_roles():
        client.create_role(role_name=name)
    for kind, names in privileges.items():
        for privilege in names:
            client.grant_privilege(role_name=name, object_type=kind, privilege=privilege, object_name="*")
    client.grant_role(user_name=name, role_name=name)


if __name__ == "__main__":
    administrator = MilvusClient(uri=sys.argv[1], token=os.environ["MILVUS_ROOT"])
    for variable, privileges in (("MILVUS_WRITER", WRITE), ("MILVUS_READER", READ)):
        if account := os.environ.get(variable):
            grant(administrator, account, privileges)
