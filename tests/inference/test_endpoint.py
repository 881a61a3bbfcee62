"""Against a real llama.cpp server; what it cannot do (audio, being busy) against a small HTTP server here."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pydantic import SecretStr

from docmill.errors import ConfigError, ModelError, TransientError
from docmill.inference.endpoint import EndpointOptions, OpenAIEndpoint
from docmill.inference.servers import CallPolicy
from tests.openai_server import API_KEY, DIMENSIONS
from tests.services import free_port

KEY = SecretStr(API_KEY)
HASTY = CallPolicy(attempts=3, pause=0.01, longest_pause=0.02)
ASK = [{"role": "user", "content": "Say a number."}]
SCHEMA = {
    "type": "object",
    "properties": {"count": {"type": "integer", "minimum": 0, "maximum": 9}, "kind": {"enum": ["a", "b"]}},
    "required": ["count", "kind"],
    "additionalProperties": False,
}


@contextmanager
def server(*replies):
    """The URL of a server that gives (status, headers, content) in turn, the last for ever; and what it was asked."""
    asked, left = [], list(replies)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append((self.path, dict(self.headers), body))
            status, headers, content = left.pop(0) if len(left) > 1 else left[0]
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            for name, value in (headers | {"Content-Length": str(len(data))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_port}/v1", asked
        finally:
            http.shutdown()
            thread.join()


@contextmanager
def endpoint(url, **options):
    made = OpenAIEndpoint(url, "tiny", KEY, 20.0, EndpointOptions(**({"policy": HASTY} | options)))
    try:
        yield made
    finally:
        made.close()


def test_embeddings_come_in_the_order_of_the_texts(embedding_url):
    with endpoint(embedding_url, batch=2) as model:
        alone = [model.embed([text])[0] for text in ("one", "two", "three")]
        together = model.embed(["one", "two", "three"])
    assert len(together[0]) == DIMENSIONS
    assert all(a == pytest.approx(b, abs=1e-4) for a, b in zip(alone, together, strict=True))
    assert model.servers.tally.items == 6


def test_answer_is_held_to_the_schema(chat_url):
    with endpoint(chat_url) as model:
        answer = json.loads(model.chat(ASK, schema=SCHEMA, max_tokens=200))
    assert answer.keys() == {"count", "kind"}
    assert answer["kind"] in ("a", "b")


def test_answer_that_was_cut_is_no_json(chat_url):
    with endpoint(chat_url) as model, pytest.raises(ModelError, match="cut after 3 tokens"):
        model.chat(ASK, schema=SCHEMA, max_tokens=3)


def test_reply_says_that_it_was_cut(chat_url):
    with endpoint(chat_url) as model:
        reply = model.reply(ASK, max_tokens=5)
    assert not reply.complete
    assert reply.completion_tokens == 5


def test_stream_gives_what_chat_gives(chat_url):
    with endpoint(chat_url) as model:
        pieces = list(model.stream(ASK, schema=SCHEMA, max_tokens=200))
        assert len(pieces) > 1
        assert json.loads("".join(pieces)) == json.loads(model.chat(ASK, schema=SCHEMA, max_tokens=200))


def test_wrong_key_is_a_setting(chat_url):
    wrong = OpenAIEndpoint(chat_url, "tiny", SecretStr("secret-7"), options=EndpointOptions(policy=HASTY))
    with pytest.raises(ConfigError, match="401") as caught:
        wrong.chat(ASK)
    wrong.close()
    assert "secret-7" not in str(caught.value)


def test_text_longer_than_the_model_is_the_documents_fault(embedding_url):
    with endpoint(embedding_url) as model, pytest.raises(ModelError, match="too large"):
        model.embed(["long " * 2_000])


def test_models_of_the_server(chat_url):
    with endpoint(chat_url) as model:
        assert model.models() == ["tiny"]


def test_no_server_is_transient_after_all_attempts():
    with endpoint(f"http://127.0.0.1:{free_port()}/v1") as model, pytest.raises(TransientError, match="reached"):
        model.chat(ASK)
    assert model.servers.tally.failures == 3


def test_busy_server_is_asked_again_when_it_says():
    reply = {"choices": [{"message": {"content": "well"}, "finish_reason": "stop"}]}
    with (
        server((429, {"Retry-After": "0"}, {}), (503, {}, {}), (200, {}, reply)) as (url, asked),
        endpoint(url) as model,
    ):
        assert model.chat(ASK) == "well"
    assert len(asked) == 3
    assert asked[0][1]["Authorization"] == f"Bearer {API_KEY}"


def test_refused_input_is_not_asked_again():
    with server((400, {}, {"error": "too long"})) as (url, asked), endpoint(url) as model:
        with pytest.raises(ModelError, match="too long"):
            model.embed(["x"])
        assert len(asked) == 1


def test_another_address_takes_over(embedding_url):
    with endpoint(f"http://127.0.0.1:{free_port()}/v1", urls=(embedding_url,)) as model:
        model.embed(["a"])
        model.embed(["b"])
    assert model.servers.tally.failures == 1


@pytest.mark.parametrize(
    ("dialect", "path", "reply"),
    [
        (
            "openai",
            "/v1/rerank",
            {"results": [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.1}]},
        ),
        ("nim", "/v1/ranking", {"rankings": [{"index": 1, "logit": 0.9}, {"index": 0, "logit": 0.1}]}),
        ("tei", "/v1/rerank", [{"index": 1, "score": 0.9}, {"index": 0, "score": 0.1}]),
    ],
)
def test_rerank_scores_are_in_the_order_of_the_texts(dialect, path, reply):
    with server((200, {}, reply)) as (url, asked), endpoint(url, dialect=dialect) as model:
        assert model.rerank("query", ["bad", "good"]) == [0.1, 0.9]
    assert asked[0][0] == path


def test_scores_that_are_missing_are_no_scores():
    with (
        server((200, {}, {"results": []})) as (url, _),
        endpoint(url) as model,
        pytest.raises(TransientError, match="fewer"),
    ):
        model.rerank("query", ["a"])


def test_transcript_has_its_segments():
    reply = {"text": " Hello there. ", "segments": [{"start": 0.0, "end": 1.5, "text": " Hello there."}]}
    with server((200, {}, reply)) as (url, asked), endpoint(url) as model:
        found = model.transcribe(b"RIFF", "talk.wav", language="en")
    assert (found.text, found.segments[0].end) == ("Hello there.", 1.5)
    assert b'filename="talk.wav"' in asked[0][2]


def test_nim_is_told_whether_a_text_is_a_query_or_a_passage():
    reply = {"data": [{"index": 0, "embedding": [1.0]}]}
    options = {"dialect": "nim", "input_type": "passage"}
    with server((200, {}, reply)) as (url, asked), endpoint(url, **options) as model:
        model.embed(["a"])
        model.embed(["a"], input_type="query")
    assert [json.loads(body)["input_type"] for _, _, body in asked] == ["passage", "query"]


def test_stream_that_breaks_off_is_transient():
    broken = (200, {"Content-Type": "text/event-stream"}, b"data: {broken\n\n")
    raises = pytest.raises(TransientError, match="broke off")
    with server(broken) as (url, _), endpoint(url) as model, raises:
        list(model.stream(ASK))
