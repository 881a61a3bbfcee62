"""Models on NVIDIA's Triton Inference Server, by gRPC or HTTP, with TLS and a token where the settings say so.

Requests that are under way at once come from threads (`CallPolicy.concurrency` of them): gRPC waits outside Python's
lock, so an event loop would add a second way to call everything and no speed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from pydantic import SecretStr

from docmill.config import Section
from docmill.errors import ConfigError, DocmillError, ModelError, TransientError
from docmill.inference.servers import BusyError, CallPolicy, Servers
from docmill.inference.tensors import Tensor, Tensors

if TYPE_CHECKING:
    from tritonclient.utils import InferenceServerException

Client: TypeAlias = Any

FINGERPRINT = "docmill_fingerprint"
_DOWN = "Start the server, or mend its address: `docmill doctor` asks each."
_SCHEMES = ("grpc://", "grpcs://", "http://", "https://")
_BUSY = ("RESOURCE_EXHAUSTED", "429")
_PASSING = (
    "UNAVAILABLE",
    "DEADLINE_EXCEEDED",
    "ABORTED",
    "INTERNAL",
    "CANCELLED",
    "UNKNOWN",
    "500",
    "502",
    "503",
    "504",
)
_REFUSED = ("INVALID_ARGUMENT", "OUT_OF_RANGE", "400", "413")


class TritonOptions(Section):
    """How a server is reached; `timeout` is the seconds of a request, `ca_file` the certificates to trust."""

    api_key: SecretStr = SecretStr("")
    ca_file: str = ""
    timeout: float = 60.0
    policy: CallPolicy = CallPolicy()


@dataclass(frozen=True)
class ServerStatistics:
    """What the server counted for a model: times are seconds, `executions` batches that held `items` in all."""

    requests: int = 0
    items: int = 0
    executions: int = 0
    queue: float = 0.0
    compute: float = 0.0

    @property
    def mean_batch(self) -> float:
        """Items in a batch on average, 0 before the first."""
        return self.items / self.executions if self.executions else 0.0

    def since(self, before: ServerStatistics) -> ServerStatistics:
        """What came in addition; all of it where the server was started anew meanwhile."""
        if before.requests > self.requests:
            return self
        return ServerStatistics(
            self.requests - before.requests,
            self.items - before.items,
            self.executions - before.executions,
            self.queue - before.queue,
            self.compute - before.compute,
        )


class TritonModel:
    """A `TensorModel` at one or more Triton servers: `grpc://host:8001`, `grpcs://`, `http://host:8000`, `https://`.

    With a `fingerprint`, a server whose model was exported with another one is refused (ConfigError): vectors of two
    models would be mixed. Safe for threads.
    """

    def __init__(
        self, name: str, urls: tuple[str, ...], options: TritonOptions | None = None, fingerprint: str = ""
    ) -> None:
        for url in urls:
            if not url.startswith(_SCHEMES):
                raise ConfigError(f"{url} is no address of a Triton server.", hint=f"Begin with {', '.join(_SCHEMES)}.")
        self.name = name
        self.options = options or TritonOptions()
        self.fingerprint = fingerprint
        self.servers = Servers(name, urls, self.options.policy)
        self._clients = threading.local()
        self._shared: dict[str, Client] = {}
        self._proven: set[str] = set()
        self._lock = threading.Lock()

    @cached_property
    def inputs(self) -> Mapping[str, str]:
        """The names of the inputs and their numpy types, as the server tells them."""
        return self.servers.call(self._inputs_at, 0)

    def run(self, inputs: Mapping[str, Tensor]) -> Tensors:
        """The outputs by name."""
        items = len(next(iter(inputs.values())))
        return self.servers.call(lambda url: self._run_at(url, inputs), items)

    def ready(self) -> bool:
        """Whether a server has the model ready now; raises nothing for one that is down."""
        return any(self.ready_at(url) for url in self.servers.urls)

    def ready_at(self, url: str) -> bool:
        """Whether this server has the model ready now."""
        try:
            with self._translated(url):
                return bool(self._client(url).is_model_ready(self.name, **self._call(url)))
        except TransientError:
            return False

    def statistics(self) -> ServerStatistics:
        """The sum over the servers that answer."""
        found = []
        for url in self.servers.urls:
            try:
                found.append(self._statistics_at(url))
            except TransientError:
                continue  # a server that is down has nothing to add; its requests show as failures
        return ServerStatistics(
            sum(each.requests for each in found),
            sum(each.items for each in found),
            sum(each.executions for each in found),
            sum(each.queue for each in found),
            sum(each.compute for each in found),
        )

    def prove(self, url: str) -> None:
        """The server's model is the one of the fingerprint, or ConfigError; asked once an address."""
        if not self.fingerprint or url in self._proven:
            return
        with self._translated(url):
            config = self._as_object(url, self._client(url).get_model_config(self.name, **self._call(url)))
        parameters = config.get("config", config).get("parameters", {})
        served = parameters.get(FINGERPRINT, {}).get("string_value", "")
        if served != self.fingerprint:
            raise ConfigError(
                f"The model {self.name} at {url} is another one: {served or 'no fingerprint'}, not {self.fingerprint}.",
                hint="Export it again by `docmill models export --triton`, or set models' precision to what is served.",
            )
        self._proven.add(url)

    def _run_at(self, url: str, inputs: Mapping[str, Tensor]) -> Tensors:
        self.prove(url)
        module = self._module(url)
        given = []
        for name, values in inputs.items():
            tensor = module.InferInput(name, list(values.shape), _triton_type(values))
            tensor.set_data_from_numpy(np.ascontiguousarray(values))
            given.append(tensor)
        with self._translated(url):
            result = self._client(url).infer(self.name, given, **self._call(url))
            response = self._as_object(url, result.get_response())
            names = [each["name"] for each in response.get("outputs", [])]
            return {name: result.as_numpy(name) for name in names}

    def _inputs_at(self, url: str) -> Mapping[str, str]:
        with self._translated(url):
            found = self._as_object(url, self._client(url).get_model_metadata(self.name, **self._call(url)))
        return {each["name"]: _numpy_type(each["datatype"]) for each in found["inputs"]}

    def _statistics_at(self, url: str) -> ServerStatistics:
        with self._translated(url):
            client = self._client(url)
            found = self._as_object(url, client.get_inference_statistics(self.name, **self._call(url)))
        sums = [0, 0, 0, 0, 0]
        for model in found.get("model_stats", []):
            stats = model.get("inference_stats", {})
            sums[0] += int(stats.get("success", {}).get("count", 0))
            sums[1] += int(model.get("inference_count", 0))
            sums[2] += int(model.get("execution_count", 0))
            sums[3] += int(stats.get("queue", {}).get("ns", 0))
            sums[4] += sum(
                int(stats.get(part, {}).get("ns", 0)) for part in ("compute_input", "compute_infer", "compute_output")
            )
        return ServerStatistics(sums[0], sums[1], sums[2], sums[3] / 1e9, sums[4] / 1e9)

    def _call(self, url: str) -> dict[str, Any]:
        """What every call carries: the token, and for gRPC how long it may take (HTTP's client knows it already)."""
        key = self.options.api_key.get_secret_value()
        carried: dict[str, Any] = {"headers": {"authorization": f"Bearer {key}"}} if key else {}
        return carried | ({"client_timeout": self.options.timeout} if url.startswith("grpc") else {})

    def _module(self, url: str) -> Any:  # noqa: ANN401  # tritonclient has no types
        if url.startswith("grpc"):
            import tritonclient.grpc as module
        else:
            import tritonclient.http as module
        return module

    def _client(self, url: str) -> Client:
        """The connection to a server: one for all threads by gRPC, one a thread by HTTP, whose client is not safe."""
        if url.startswith("grpc"):
            with self._lock:
                if url not in self._shared:
                    self._shared[url] = self._connect(url)
                return self._shared[url]
        own: dict[str, Client] = self._clients.__dict__.setdefault("by_url", {})
        if url not in own:
            own[url] = self._connect(url)
        return own[url]

    def _connect(self, url: str) -> Client:
        scheme, _, address = url.partition("://")
        secure, ca_file = scheme in ("grpcs", "https"), self.options.ca_file or None
        module = self._module(url)
        if scheme.startswith("grpc"):
            return module.InferenceServerClient(address, ssl=secure, root_certificates=ca_file)
        options = {"ca_certs": ca_file} if ca_file else {}
        return module.InferenceServerClient(
            address.rstrip("/"),
            connection_timeout=self.options.timeout,
            network_timeout=self.options.timeout,
            ssl=secure,
            ssl_options=options if secure else None,
        )

    def _as_object(self, url: str, answer: Any) -> dict[str, Any]:  # noqa: ANN401
        """An answer as a dictionary: HTTP gives one, gRPC a message."""
        if isinstance(answer, dict):
            return answer
        from google.protobuf.json_format import MessageToDict

        return dict(MessageToDict(answer, preserving_proto_field_name=True))

    @contextmanager
    def _translated(self, url: str) -> Iterator[None]:
        """Errors of the client become docmill's."""
        from tritonclient.utils import InferenceServerException

        try:
            yield
        except InferenceServerException as error:
            raise self._meaning(url, error) from error
        except ValueError as error:
            raise ConfigError(
                f"{url} ({self.name}) gave an output that has not its shape: {error}.",
                hint="The Python back end of Triton 2.51 gives empty outputs with numpy 2: install numpy 1 there.",
            ) from error
        except (OSError, EOFError) as error:
            raise TransientError(f"{url} cannot be reached ({self.name}): {error}.", hint=_DOWN) from error

    def _meaning(self, url: str, error: InferenceServerException) -> DocmillError:
        status = str(error.status() or "").removeprefix("StatusCode.")
        message = f"{url} ({self.name}): {error.message()}"
        if status in _BUSY:
            return BusyError(message)
        if status in _PASSING or "is not ready" in message or "no available versions" in message:
            return TransientError(message, hint=_DOWN)
        if status in _REFUSED and "unknown model" not in message:
            return ModelError(message)
        return ConfigError(message, hint="See which models the server has: `docmill doctor`.")


def _triton_type(values: Tensor) -> str:
    from tritonclient.utils import np_to_triton_dtype

    return str(np_to_triton_dtype(values.dtype))


def _numpy_type(name: str) -> str:
    from tritonclient.utils import triton_to_np_dtype

    return str(np.dtype(triton_to_np_dtype(name)))
