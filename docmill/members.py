"""Makes documents of the members of other documents: attachments, files in archives, mails in mailboxes.

They lie in the batch of their container and follow it: a container that is read again has the members that it holds
then, and one that is deleted takes them with it.
"""

from __future__ import annotations

from collections.abc import Sequence

from docmill.fingerprints import raw_fingerprint
from docmill.ids import document_id
from docmill.models import INSIDE, Document, Member, Outcome, Stage, Status
from docmill.workspace import Workspace


def adopt(workspace: Workspace, container: Document, members: Sequence[Member], run_id: str) -> list[str]:
    """The members are documents of the container's batch, ready to be extracted; ids of those that it has no more.

    A member whose bytes are the same as before keeps what was made of it. Nothing is done for a container that was
    deleted, or has got another version, since it was read.
    """
    made = [_document(container, each) for each in members if not each.error]
    if not workspace.ledger.adopt(container, made):
        return []
    workspace.ledger.record([_read(workspace, each, run_id) for each in made])
    ids = {each.document_id for each in made}
    known = workspace.ledger.members([container])
    return [each.document_id for each in known if each.document_id not in ids]


def container_id(document: Document) -> str:
    """The id of the document that this one is a member of, "" for an object of its own."""
    return document_id(document.collection, document.container) if document.container else ""


def _document(container: Document, member: Member) -> Document:
    source = container.source_key + INSIDE
    key = source + member.path
    update = {
        "document_id": document_id(container.collection, key), "source": source, "source_key": key,
        "etag": member.sha256, "size": member.size, "media_type": member.media_type, "version": member.sha256,
    }  # fmt: skip
    return container.model_copy(update=update)


def _read(workspace: Workspace, document: Document, run_id: str) -> Outcome:
    """The outcome of the first stage: the member's bytes were read when it was taken out."""
    fingerprint = raw_fingerprint(workspace.fingerprints[Stage.RAW_DOCUMENTS], document.etag)
    return Outcome(
        document_id=document.document_id, stage=Stage.RAW_DOCUMENTS, status=Status.OK, version=document.version,
        fingerprint=fingerprint, attempts=1, counts={"bytes": document.size}, run_id=run_id,
    )  # fmt: skip
