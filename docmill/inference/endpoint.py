"""Models behind HTTP as OpenAI's API has it: vLLM, NVIDIA NIM, llama.cpp, Ollama, text-embeddings-inference, clouds.

By httpx2, which openai's own SDK stands on, and not by that SDK: importing it costs 0.75 CPU-s against 0.19, it has no
reranking, and its retries know nothing of several addresses.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import Field, SecretStr

from docmill.config import Section
from docmill.errors import ConfigError, ModelError, TransientError
from docmill.inference.servers import BusyError, CallPolicy, Servers

if TYPE_CHECKING:
    import ssl

    import httpx2

Dialect: TypeAlias = Literal["openai", "nim", "tei"]
Message: TypeAlias = Mapping[str, Any]
Json: TypeAlias = dict[str, Any]

_BUSY = {408, 409, 425, 429, 503}
_SHOWN = 300
_DOWN = "Start the server, or mend its address: `docmill doctor` asks each."
_RERANK_PATH: Mapping[Dialect, str] = {"openai": "/rerank", "nim": "/ranking", "tei": "/rerank"}


class EndpointOptions(Section):
    """What is rarely set. `urls` are asked when the first address fails; `input_type` is what NVIDIA's models need."""

    urls: tuple[str, ...] = ()
    dialect: Annotated[Dialect, Field(description="whose habits the server has where they differ")] = "openai"
    batch: Annotated[int, Field(ge=1, description="texts in a request")] = 64
    input_type: str = ""
    dimensions: int | None = None
    ca_file: str = ""
    policy: CallPolicy = CallPolicy()


@dataclass(frozen=True)
class Reply:
    """A chat's answer; `complete` is False where the server cut it at its limit of tokens."""

    text: str
    complete: bool
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True)
class Segment:
    """A spoken passage; times are seconds from the beginning."""

    start: float
    end: float
    text: str


@dataclass(frozen=True)
class Transcript:
    """What is said in a recording; `segments` are empty where the server gives none."""

    text: str
    segments: tuple[Segment, ...] = ()


class OpenAIEndpoint:
    """One model at an OpenAI-compatible server; `base_url` ends with its version, as in `http://host:8000/v1`.

    Every call raises TransientError (too many requests, 5xx, no connection, too slow; tried again before),
    ConfigError (wrong key, no such model or path) or ModelError (the server refuses this very input). Safe for threads.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        api_key: SecretStr | None = None,
        timeout: float = 60.0,
        options: EndpointOptions | None = None,
    ) -> None:
        self.model = model
        self.options = options or EndpointOptions()
        urls = [url.rstrip("/") for url in (base_url, *self.options.urls)]
        self.servers = Servers(model, urls, self.options.policy)
        self._key = api_key
        self._timeout = timeout
        self._lock = threading.Lock()

    def embed(self, texts: Sequence[str], input_type: str = "") -> list[list[float]]:
        """A vector a text, in their order; `input_type` ("query", "passage") stands for that of the options."""
        vectors: list[list[float]] = []
        for start in range(0, len(texts), self.options.batch):
            vectors += self._embed(texts[start : start + self.options.batch], input_type or self.options.input_type)
        return vectors

    def chat(
        self,
        messages: Sequence[Message],
        *,
        schema: Json | None = None,
        max_tokens: int | None = None,
        temperature: float = 0.0,
    ) -> str:
        """The answer's text; with a JSON `schema`, JSON that the server held to it (ModelError where it was cut)."""
        reply = self.reply(messages, schema=schema, max_tokens=max_tokens, temperature=temperature)
        if schema is not None and not reply.complete:
            raise ModelError(
                f"The answer of {self.model} was cut after {reply.completion_tokens} tokens: its JSON has no end.",
                hint="Allow more tokens, or ask for less at once.",
            )
        return reply.text

    def reply(
        self,
        messages: Sequence[Message],
        *,
        schema: Json | None = None,
        max_tokens: int | None = None,
        temperature: float = 0.0,
    ) -> Reply:
        """The answer with what it took, cut or not."""
        found = self._post("/chat/completions", self._chat(messages, schema, max_tokens, temperature))
        choice = _at(found, "choices", 0)
        message, usage = choice.get("message") or {}, found.get("usage") or {}
        if message.get("refusal"):
            raise ModelError(f"{self.model} refused to answer: {message['refusal'][:_SHOWN]}")
        return Reply(
            text=message.get("content") or "",
            complete=choice.get("finish_reason") != "length",
            prompt_tokens=int(usage.get("prompt_tokens") or 0),
            completion_tokens=int(usage.get("completion_tokens") or 0),
        )

    def stream(
        self,
        messages: Sequence[Message],
        *,
        schema: Json | None = None,
        max_tokens: int | None = None,
        temperature: float = 0.0,
    ) -> Iterator[str]:
        """The answer's text piece by piece; only its beginning is tried again."""
        body = self._chat(messages, schema, max_tokens, temperature) | {"stream": True}
        response = self.servers.call(lambda url: self._send(url, "/chat/completions", {"json": body}, stream=True))
        with closing(response), _readable(self.model):
            for line in response.iter_lines():
                data = line.removeprefix("data:").strip()
                if not line.startswith("data:") or data == "[DONE]":
                    continue
                for choice in json.loads(data).get("choices", []):
                    if piece := (choice.get("delta") or {}).get("content"):
                        yield piece

    def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        """How well each text answers the query, in the texts' order: higher is better, the scale is the model's."""
        if not texts:
            return []
        dialect = self.options.dialect
        if dialect == "nim":
            body: Json = {"query": {"text": query}, "passages": [{"text": text} for text in texts], "truncate": "END"}
        elif dialect == "tei":
            body = {"query": query, "texts": list(texts), "truncate": True}
        else:
            body = {"query": query, "documents": list(texts), "top_n": len(texts)}
        found = self._post(_RERANK_PATH[dialect], {"model": self.model} | body, items=len(texts))
        scores = [float("-inf")] * len(texts)
        for each in found.get("results") or found.get("rankings") or found.get("list") or []:
            scores[each["index"]] = float(each.get("relevance_score", each.get("logit", each.get("score"))))
        if float("-inf") in scores:
            raise TransientError(f"{self.model} scored fewer texts than it was given ({len(texts)}).")
        return scores

    def transcribe(self, data: bytes, name: str, language: str | None = None) -> Transcript:
        """What is said in an encoded recording; `name` tells the format by its ending, `language` is ISO 639-1."""
        form = {"model": self.model, "response_format": "verbose_json"} | ({"language": language} if language else {})
        found = self._ask("/audio/transcriptions", {"data": form, "files": {"file": (name, data)}})
        segments = [
            Segment(float(each["start"]), float(each["end"]), each["text"].strip())
            for each in found.get("segments") or []
        ]
        return Transcript(str(found.get("text", "")).strip(), tuple(segments))

    def models(self) -> list[str]:
        """The names of the models that the server offers."""
        found = self.servers.call(lambda url: self._json(self._send(url, "/models", {}, method="GET")), 0)
        return [str(each.get("id", "")) for each in found.get("data") or []]

    def close(self) -> None:
        """No connection is left open."""
        with self._lock:
            if client := self.__dict__.pop("_client", None):
                client.close()

    @cached_property
    def _client(self) -> httpx2.Client:
        import httpx2

        headers = {"Authorization": f"Bearer {self._key.get_secret_value()}"} if self._key else {}
        return httpx2.Client(headers=headers, timeout=self._timeout, verify=_verification(self.options.ca_file))

    def _embed(self, texts: Sequence[str], input_type: str) -> list[list[float]]:
        body: Json = {"model": self.model, "input": list(texts), "encoding_format": "float"}
        if input_type:
            body["input_type"] = input_type
        if self.options.dialect == "nim":
            body["truncate"] = "END"
        if self.options.dimensions:
            body["dimensions"] = self.options.dimensions
        found = self._post("/embeddings", body, items=len(texts)).get("data") or []
        if len(found) != len(texts):
            raise TransientError(f"{self.model} gave {len(found)} vectors for {len(texts)} texts.")
        return [each["embedding"] for each in sorted(found, key=lambda each: int(each["index"]))]

    def _chat(self, messages: Sequence[Message], schema: Json | None, max_tokens: int | None, heat: float) -> Json:
        body: Json = {"model": self.model, "messages": list(messages), "temperature": heat}
        if max_tokens is not None:
            body["max_tokens"] = max_tokens
        if schema is not None and self.options.dialect == "nim":
            body["nvext"] = {"guided_json": schema}
        elif schema is not None:
            answer = {"name": "answer", "schema": schema, "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": answer}
        return body

    def _post(self, path: str, body: Json, items: int = 1) -> Json:
        return self._ask(path, {"json": body}, items)

    def _ask(self, path: str, content: Json, items: int = 1) -> Json:
        return self.servers.call(lambda url: self._json(self._send(url, path, content)), items)

    def _json(self, response: httpx2.Response) -> Json:
        """The answer's JSON object; text-embeddings-inference's bare lists become one with the key `list`."""
        try:
            found = response.json()
        except ValueError as error:
            raise TransientError(f"{response.url} gave no JSON: {response.text[:_SHOWN]!r}.") from error
        return found if isinstance(found, dict) else {"list": found}

    def _send(
        self, url: str, path: str, content: Json, *, method: str = "POST", stream: bool = False
    ) -> httpx2.Response:
        """The response of one address; raises what its status or the connection's failure means."""
        import httpx2

        with self._lock:
            client = self._client
        try:
            response = client.send(client.build_request(method, url + path, **content), stream=stream)
            if response.status_code >= 400:
                response.read()
        except httpx2.TimeoutException as error:
            raise TransientError(f"{url} did not answer within {self._timeout:g} s ({self.model}).") from error
        except httpx2.TransportError as error:
            raise TransientError(f"{url} cannot be reached ({self.model}): {error}.", hint=_DOWN) from error
        except httpx2.InvalidURL as error:
            raise ConfigError(f"{url} is not an address ({self.model}): {error}.") from error
        if response.status_code >= 300:
            raise self._refusal(response)
        return response

    def _refusal(self, response: httpx2.Response) -> ConfigError | ModelError | TransientError:
        """What a status of 300 or more means for whoever asked; neither key nor input is in the message."""
        said = response.text[:_SHOWN]
        message = f"{response.url} ({self.model}) answered {response.status_code}: {said}"
        if response.status_code in _BUSY:
            busy = BusyError(message)
            after = response.headers.get("retry-after", "")
            busy.pause = float(after) if after.isdigit() else 0.0
            return busy
        if response.status_code >= 500 and "too large to process" not in said:  # as llama.cpp says with a 500
            return TransientError(message)
        if response.status_code in (401, 403):
            return ConfigError(message, hint="Set the model's api_key.")
        if response.status_code in (400, 413, 415, 422, 500):
            return ModelError(message, hint="The input may be too long for the model.")
        return ConfigError(message, hint="Check the model's name and its url, which ends with /v1 for most servers.")


class _readable:  # noqa: N801
    """A context in which a broken connection while reading becomes a TransientError."""

    def __init__(self, model: str) -> None:
        self._model = model

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        import httpx2

        if isinstance(error, (httpx2.TransportError, ValueError)):
            raise TransientError(f"The answer of {self._model} broke off: {error}.") from error


def _at(found: Json, key: str, position: int) -> Json:
    """An element of a list in an answer; raises TransientError where there is none."""
    values = found.get(key) or []
    if len(values) <= position:
        raise TransientError(f"The model's answer has no {key}.")
    return dict(values[position])


def _verification(ca_file: str) -> ssl.SSLContext | bool:
    """Which certificates are trusted: those of the file, else the system's; raises ConfigError where it has none."""
    import ssl

    try:
        return ssl.create_default_context(cafile=ca_file) if ca_file else True
    except OSError as error:
        raise ConfigError(f"{ca_file} holds no certificates: {error}.") from error
