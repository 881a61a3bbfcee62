"""Where docmill keeps things and how much it may use: `docmill.toml`, overridden by `DOCMILL_…` variables."""

from __future__ import annotations

import base64
import ipaddress
import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from docmill.config import PipelineConfig
from docmill.errors import ConfigError
from docmill.inference.model_config import ModelConfig

_PREFIX = "DOCMILL_"
_HINT = "See docs/configuration.md."


_S3Prefix = Annotated[str, StringConstraints(pattern="^s3://")]
_TagName = Annotated[str, StringConstraints(pattern="^[^=]+$", max_length=128)]


class BatchLimits(BaseModel):
    """How many documents and bytes a batch may hold, and how long (s) an object must rest before its batch closes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    documents: Annotated[int, Field(ge=1, description="documents a batch holds at most")] = 100
    bytes: Annotated[int, Field(ge=1, description="bytes a batch holds at most")] = 500_000_000
    settle_seconds: Annotated[float, Field(ge=0, description="rest of the newest object before a batch closes")] = 60.0


class WorkerLimits(BaseModel):
    """How many documents are parsed at once, and what one may take: wall seconds and MiB of address space."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    processes: Annotated[int, Field(ge=1, description="documents parsed at once")] = max(1, min(8, os.cpu_count() or 1))
    seconds: Annotated[
        float, Field(gt=0, description="wall time of a document, or of a range of a long PDF's pages")
    ] = 300.0
    media_seconds: Annotated[float, Field(gt=0, description="wall time of a recording (sound or video)")] = 3_600.0
    memory_mb: Annotated[int, Field(ge=512, description="address space (MiB) that a document may take")] = 4096


class ServiceSettings(BaseModel):
    """What `docmill serve` allows; `docs/http.md` says more. Sizes are bytes, times seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    open_on_loopback: Annotated[
        bool, Field(description="calls from this machine need no key though keys were made; without any they never do")
    ] = False
    runner: Annotated[
        str, Field(description="who runs ingestion over HTTP: dagster or library; empty: dagster where it is installed")
    ] = ""
    max_body_bytes: Annotated[int, Field(ge=1, description="bytes that a request may have")] = 1_073_741_824
    requests_per_minute: Annotated[int, Field(ge=0, description="requests of one key; 0: no limit")] = 0
    jobs_at_once: Annotated[int, Field(ge=0, description="jobs in work at once; 0: two a worker process")] = 0
    job_attempts: Annotated[int, Field(ge=1, description="how often a job is begun before it counts as failed")] = 3
    lease_seconds: Annotated[float, Field(ge=5, description="after that time a silent process's jobs are free")] = 60.0
    result_ttl: Annotated[float, Field(gt=0, description="how long results are kept after a job's end")] = 172_800.0
    fetch_wait_seconds: Annotated[float, Field(ge=0, le=30, description="how long a fetch waits for a result")] = 5.0
    hold_seconds: Annotated[
        float, Field(ge=0, le=60, description="how long LlamaCloud's clients wait in a question for a job's state")
    ] = 20.0
    shutdown_seconds: Annotated[float, Field(ge=0, description="time that work gets to end at shutdown")] = 20.0
    cors_origins: Annotated[tuple[str, ...], Field(description="origins of web pages that may call")] = ()


class ScanSettings(BaseModel):
    """Who looks at each object before it is read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    clamd: Annotated[
        str, Field(pattern=r"^(/.+|.+:\d+)?$", description="ClamAV's daemon: a socket's path, or host:port")
    ] = ""
    command: Annotated[
        str, Field(description="command that gets the bytes on standard input and ends with 0 (clean) or 1 (found)")
    ] = ""
    seconds: Annotated[float, Field(gt=0, description="time that a scan may take")] = 120.0


class WebhookSettings(BaseModel):
    """Who is told of ended batches and jobs and of failed runs; docs/deploy.md says how to check the signature."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    urls: Annotated[
        tuple[str, ...], Field(description="addresses that are told; private ones must be in fetch_allow, too")
    ] = ()
    secret: Annotated[
        SecretStr, Field(description="whsec_ and 24 to 64 bytes in base64, which messages are signed with (a secret)")
    ] = SecretStr("")
    events: Annotated[
        tuple[Literal["batch.finished", "job.finished", "run.failed"], ...], Field(description="what they are told of")
    ] = ("batch.finished", "job.finished", "run.failed")
    attempts: Annotated[int, Field(ge=1, le=10, description="tries of a message, with pauses of 1, 2, 4 … s")] = 4

    @model_validator(mode="after")
    def _signed(self) -> Self:
        if self.urls and not signing_key(self.secret.get_secret_value()):
            raise ValueError("secret must be whsec_ and 24 to 64 bytes in base64")
        return self


def signing_key(secret: str) -> bytes:
    """The bytes of a webhook secret, none of one that is not well formed."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        return b""
    return key if secret.startswith("whsec_") and 24 <= len(key) <= 64 else b""


def _networks_checked(text: str) -> str:
    """The list unchanged; raises ValueError for a network that is none."""
    for part in text.split(","):
        if "/" in part:
            ipaddress.ip_network(part.strip(), strict=False)
    return text


class RecordsSettings(BaseModel):
    """How records are extracted; `docs/records.md` says more."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: Annotated[str, Field(description="embedded, or the name of a model in `models` with runtime openai")] = (
        "embedded"
    )
    engines: Annotated[
        dict[str, str], Field(description="model name that a client asks for → engine; others mean `engine`")
    ] = {}
    characters: Annotated[int, Field(ge=500, description="of a document that a model is shown at once")] = 24_000
    answer_tokens: Annotated[int, Field(ge=64, description="that a model may answer with")] = 8_192
    images: Annotated[bool, Field(description="show the model pictures of the pages, too")] = False
    low_confidence: Annotated[float, Field(ge=0, le=1, description="values below it are to be reviewed")] = 0.65


class Settings(BaseSettings):
    """All settings. Empty addresses mean the embedded default below `home`."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_nested_delimiter="__", toml_file="docmill.toml", extra="forbid", frozen=True
    )

    home: Annotated[Path, Field(description="folder of everything that has no address of its own")] = Path(".docmill")
    log_format: Annotated[
        Literal["text", "json"], Field(description="json: logs of commands and runs as JSON lines on standard error")
    ] = "text"
    collection: Annotated[str, Field(description="the collection of commands without --collection")] = "default"
    store_url: Annotated[str, Field(description="object store of batches and artifacts: s3:// or file://")] = ""
    s3_endpoint_url: Annotated[str | None, Field(description="S3 server other than Amazon's")] = None
    ledger_url: Annotated[SecretStr, Field(description="SQLAlchemy URL of the ledger (a secret)")] = SecretStr("")
    milvus_uri: Annotated[str, Field(description="Milvus server, or a path ending with .db for Milvus Lite")] = ""
    milvus_token: Annotated[SecretStr, Field(description="user:password of the Milvus server (a secret)")] = SecretStr(
        ""
    )
    password: Annotated[SecretStr, Field(description="opens encrypted documents (a secret)")] = SecretStr("")
    watch: Annotated[dict[str, str], Field(description="collection → address that sensors watch")] = {}
    upload_queue: Annotated[
        str,
        Field(description="URL of the SQS queue that watched buckets send their notifications to, instead of listing"),
    ] = ""
    sensor_seconds: Annotated[int, Field(ge=1, description="pause between two ticks of new_uploads")] = 30
    golden_questions: Annotated[
        Path | None, Field(description="JSON lines or YAML file of questions that a new generation must answer as well")
    ] = None
    golden_threshold: Annotated[
        float, Field(ge=0, le=1, description="loss of recall@5, recall@10 or nDCG@10 that keeps a generation from use")
    ] = 0.02
    access: Annotated[
        dict[str, list[str]], Field(description="beginning of source keys → access tags; others are nobody's then")
    ] = {}
    access_object_tags: Annotated[
        dict[_S3Prefix, _TagName],
        Field(description="beginning of s3:// source keys → name of the object tag that holds the access tags"),
    ] = {}
    grace_hours: Annotated[float, Field(ge=0, description="hours that a replaced generation is kept for")] = 24.0
    rerank_model: Annotated[str, Field(description="the reranking model, described in [models.NAME]")] = ""
    thesaurus: Annotated[
        Path | None, Field(description="file of what documents say for what is asked; empty: docmill's, of accounting")
    ] = None
    answer_model: Annotated[str, Field(description="the chat model of `docmill answer`, in [models.NAME]")] = ""
    delete_cap: Annotated[float, Field(ge=0, le=1, description="share of documents deleted without --force")] = 0.2
    batch: BatchLimits = BatchLimits()
    workers: WorkerLimits = WorkerLimits()
    models: Annotated[
        dict[str, ModelConfig], Field(description="model → where it runs, and what it is if docmill does not know it")
    ] = {}
    records: RecordsSettings = RecordsSettings()
    fetch_allow: Annotated[
        str,
        AfterValidator(_networks_checked),
        Field(description="networks (CIDR) and hosts, apart by commas, that URLs may name though private, on any port"),
    ] = ""
    fetch_rewrite: Annotated[
        dict[str, str], Field(description="beginning of a URL → what stands for it when a document is fetched")
    ] = {}
    fetch_s3_buckets: Annotated[
        str, Field(description="buckets (apart by commas) that callers may name, in web addresses and as sources")
    ] = ""
    fetch_bytes: Annotated[int, Field(ge=1, description="bytes that are fetched from a URL at most")] = 500_000_000
    fetch_seconds: Annotated[float, Field(gt=0, description="time that fetching a URL may take")] = 120.0
    scan: ScanSettings = ScanSettings()
    webhooks: WebhookSettings = WebhookSettings()
    service: ServiceSettings = ServiceSettings()
    pipeline: PipelineConfig = PipelineConfig()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments come first, then the environment, then the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @property
    def folder(self) -> Path:
        """The home folder as an absolute path."""
        return self.home.expanduser().absolute()

    @property
    def store(self) -> str:
        """The address of the object store for batches and artifacts."""
        return self.store_url or f"file://{self.folder}/store/"

    @property
    def ledger(self) -> str:
        """The SQLAlchemy URL of the ledger."""
        return self.ledger_url.get_secret_value() or f"sqlite:///{self.folder}/ledger.db"

    @property
    def milvus(self) -> str:
        """The address of Milvus: a server's URL, or the folder of the embedded one (its name ends with `.db`)."""
        return self.milvus_uri or f"{self.folder}/index.db"


def load_settings() -> Settings:
    """The settings of this process; raises ConfigError that names each wrong one."""
    _refuse_unknown_variables()
    try:
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise ConfigError(f"Settings are wrong: {wrong}.", hint=_HINT) from None
    except SettingsError as error:
        raise ConfigError(f"Settings are wrong: {error}; it must be JSON.", hint=_HINT) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"docmill.toml is not TOML: {error}.", hint=_HINT) from None


@contextmanager
def overridden(setting: str, value: str) -> Iterator[None]:
    """The setting, such as `pipeline.extract.mode`, has the value in this process and in those it starts meanwhile."""
    name = _PREFIX + setting.replace(".", "__").upper()
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _refuse_unknown_variables() -> None:
    """Raises ConfigError for a variable that looks like a setting and is none: pydantic would pass over it."""
    for name in sorted(os.environ):
        field = name.upper().removeprefix(_PREFIX).partition("__")[0].lower()
        if name.upper().startswith(_PREFIX) and field not in Settings.model_fields:
            close = get_close_matches(field, Settings.model_fields, n=1)
            hint = f"Did you mean {_PREFIX}{close[0].upper()}?" if close else _HINT
            raise ConfigError(f"{name} is not a setting.", hint=hint)
