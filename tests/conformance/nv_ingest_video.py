"""Sends recordings through the official client of nv-ingest and prints what it gives, a JSON line a file.

    BASE_URL=http://127.0.0.1:PORT API_KEY=... python nv_ingest_video.py FILE...
"""

import json
import os
import sys

from nv_ingest_client.client import Ingestor

HEADERS = {"Authorization": f"Bearer {os.environ['API_KEY']}"}


def shown(element):
    metadata = element["metadata"]
    content = metadata["content_metadata"]
    words = (metadata["audio_metadata"] or {}).get("audio_transcript") or (metadata["image_metadata"] or {}).get("text")
    return {
        "type": element["document_type"],
        "source": metadata["source_metadata"]["source_type"],
        "words": words or "",
        "bytes": len(metadata["content"]),
        "times": [content["start_time"], content["end_time"]],
    }


for name in sys.argv[1:]:
    ingestor = Ingestor(message_client_kwargs={"base_url": os.environ["BASE_URL"], "headers": HEADERS}).files(name)
    (elements,) = ingestor.extract(extract_method="audio", extract_audio_params={"segment_audio": True}).ingest()
    print(json.dumps([shown(each) for each in elements]), flush=True)
