"""A server that answers nv-ingest's client at once with a stored result: what the client costs by itself.

python benchmarks/stub.py PORT RESULT_FILE      # benchmarks/service.py starts it; nothing is read, nothing is kept
"""

from __future__ import annotations

import sys
from pathlib import Path

import uvicorn
from starlette.types import Receive, Scope, Send

_JOB = b'"4f0c2a52-6a2e-4f5f-9a55-2f3a0f2f8f10"'


def main() -> None:
    result = Path(sys.argv[2]).read_bytes()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        body = _JOB if scope["method"] == "POST" else result
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    uvicorn.run(app, port=int(sys.argv[1]), log_level="critical", lifespan="off")


if __name__ == "__main__":
    main()
