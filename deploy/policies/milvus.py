"""Makes a Milvus user for docmill that may do no more than it needs; run it as root of Milvus 2.5 or newer.

    python deploy/policies/milvus.py http://milvus:19530 root:PASSWORD docmill:NEW_PASSWORD [reader:NEW_PASSWORD]

The first user reads and writes; the optional second one only searches (for a service that ingests nothing).
"""

import sys

from pymilvus import MilvusClient

READ = ("DatabaseReadOnly", "CollectionReadOnly", "Load")
WRITE = ("DatabaseAdmin", "CollectionAdmin")  # it makes, aliases and drops the collections of its generations


def grant(client: MilvusClient, account: str, privileges: tuple[str, ...]) -> None:
    """The account is there with a role of its own that has these privileges on every collection of the database."""
    name, _, password = account.partition(":")
    client.create_user(user_name=name, password=password)
    client.create_role(role_name=name)
    for privilege in privileges:
        client.grant_privilege_v2(role_name=name, privilege=privilege, collection_name="*", db_name="default")
    client.grant_role(user_name=name, role_name=name)


if __name__ == "__main__":
    uri, root, writer, *readers = sys.argv[1:]
    administrator = MilvusClient(uri=uri, token=root)
    grant(administrator, writer, WRITE)
    for reader in readers:
        grant(administrator, reader, READ)
