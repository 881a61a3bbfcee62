"""Office documents behind a password: decrypted by msoffcrypto, which knows all of Office's own schemes."""

from __future__ import annotations

import io

from docmill.errors import CorruptDocumentError
from docmill.extract.wanted import password_needed, wrong_password


def decrypted(data: bytes, password: str) -> bytes:
    """The document that the password opens. Raises EncryptedDocumentError, CorruptDocumentError."""
    if not password:
        raise password_needed("office document")
    import msoffcrypto
    from msoffcrypto.exceptions import DecryptionError, FileFormatError, InvalidKeyError, ParseError

    out = io.BytesIO()
    try:
        office = msoffcrypto.OfficeFile(io.BytesIO(data))
        office.load_key(password=password, verify_password=True)
        office.decrypt(out)
    except InvalidKeyError as error:
        raise wrong_password("office document") from error
    except (DecryptionError, FileFormatError, ParseError, ValueError, KeyError, OSError) as error:
        raise CorruptDocumentError(
            f"The encrypted office document cannot be decrypted: {error}.",
            hint="Open and save it again in its program.",
        ) from error
    return out.getvalue()
