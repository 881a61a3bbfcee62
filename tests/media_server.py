"""A server that speaks OpenAI's protocol for speech and pictures and really listens and looks.

Speech goes through Whisper. A picture is decoded and described by its size and its main colour, one of several colours
by a table of their shares, too, for no vision model with usable weights comes in a package. Requests without the key
are refused; all that came is kept.
"""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from PIL import Image

from docmill.config import SpeechConfig
from docmill.extract.media.container import opened
from docmill.extract.media.sound import blocks
from docmill.extract.media.speech import said
from tests.recordings import model_folder

KEY = "sk-of-a-test"


@dataclass
class MediaServer:
    """`url` ends with /v1; `prompts` are the texts that came with pictures; `failing` is a status to answer with."""

    url: str = ""
    prompts: list[str] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    failing: int = 0


def _transcript(kept: MediaServer, headers: str, body: bytes) -> dict:
    form = message_from_bytes(b"Content-Type: " + headers.encode() + b"\r\n\r\n" + body)
    parts = {part.get_param("name", header="content-disposition"): part for part in form.get_payload()}
    kept.models.append(parts["model"].get_payload())
    kept.files.append(parts["file"].get_filename())
    config = SpeechConfig(model=model_folder())
    with opened(parts["file"].get_payload(decode=True), "wav") as recording:
        heard = [each for block in blocks(recording, 600) for each in said(block, config)]
    segments = [{"start": each.start, "end": each.end, "text": f" {each.text}"} for each in heard]
    return {"text": " ".join(each.text for each in heard), "segments": segments}


def _caption(kept: MediaServer, body: bytes) -> dict:
    asked = json.loads(body)
    parts = [part for message in asked["messages"] for part in message["content"] if isinstance(part, dict)]
    kept.models.append(asked["model"])
    kept.prompts.append("\n".join(part["text"] for part in parts if part["type"] == "text"))
    url = next(part["image_url"]["url"] for part in parts if part["type"] == "image_url")
    head, _, encoded = url.partition(",")
    assert head in ("data:image/png;base64", "data:image/jpeg;base64"), head
    with Image.open(io.BytesIO(base64.b64decode(encoded, validate=True))) as image:
        red, green, blue = image.convert("RGB").resize((1, 1)).getpixel((0, 0))
        colour = max((red, "red"), (green, "green"), (blue, "blue"))[1]
        text = f"A mostly {colour} picture, {image.width} by {image.height} pixels.{_shares(image.convert('RGB'))}"
    message = {"role": "assistant", "content": text}
    return {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": {}}


def _shares(image: Image.Image) -> str:
    """The shares of the picture's colours as a table, "" where it has but one."""
    pixels = image.width * image.height
    found = sorted(image.quantize(8).convert("RGB").getcolors(), reverse=True)
    rows = [f"| {colour} | {100 * count // pixels} % |" for count, colour in found if count > pixels / 100]
    return "\n\n| colour | share |\n|---|---|\n" + "\n".join(rows) if len(rows) > 1 else ""


@contextmanager
def media_server() -> Iterator[MediaServer]:
    """The server on a free port."""
    kept = MediaServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers["Authorization"] != f"Bearer {KEY}":
                self._answer(401, {"error": {"message": "wrong key"}})
            elif kept.failing:
                self._answer(kept.failing, {"error": {"message": "out of order"}})
            elif self.path == "/v1/audio/transcriptions":
                self._answer(200, _transcript(kept, self.headers["Content-Type"], body))
            else:
                self._answer(200, _caption(kept, body))

        def _answer(self, status: int, content: dict) -> None:
            data = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    kept.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
