"""Everything a stage needs, opened when it is first used."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from docmill.artifacts import Artifacts
from docmill.config import PipelineConfig
from docmill.fingerprints import stage_fingerprints
from docmill.index.base import Space, VectorIndex
from docmill.inference.embedder import Embedder
from docmill.jobs import Jobs
from docmill.keys import Keys
from docmill.ledger import Ledger
from docmill.models import Document, Stage
from docmill.settings import Settings
from docmill.store import ObjectStore, open_store


class Workspace:
    """The parts that the settings name. Any part may be given instead, as tests do with the twins in memory."""

    def __init__(
        self,
        settings: Settings,
        *,
        index: VectorIndex | None = None,
        embedder: Embedder | None = None,
        open_source: Callable[[str], ObjectStore] | None = None,
    ) -> None:
        self.settings = settings
        self._index = index
        self._embedder = embedder
        self._open_source = open_source
        self._sources: dict[str, ObjectStore] = {}

    @property
    def config(self) -> PipelineConfig:
        """The settings of the stages."""
        return self.settings.pipeline

    @cached_property
    def store(self) -> ObjectStore:
        """Where batches and artifacts lie."""
        return open_store(self.settings.store, self.settings.s3_endpoint_url)

    @cached_property
    def artifacts(self) -> Artifacts:
        """The artifacts in the store."""
        return Artifacts(self.store)

    @cached_property
    def ledger(self) -> Ledger:
        """What is known of every document."""
        return Ledger(self.settings.ledger)

    @cached_property
    def jobs(self) -> Jobs:
        """The service's jobs, in the ledger's database."""
        limits = self.settings.service
        return Jobs(self.ledger.database, self.store, attempts=limits.job_attempts, result_ttl=limits.result_ttl)

    @cached_property
    def keys(self) -> Keys:
        """The keys of the service's callers."""
        return Keys(self.ledger.database)

    @cached_property
    def index(self) -> VectorIndex:
        """The vectors."""
        from docmill.index.milvus import MilvusIndex

        return self._index or MilvusIndex(self.settings.milvus, self.settings.milvus_token.get_secret_value())

    @cached_property
    def embedder(self) -> Embedder:
        """The embedding model."""
        from docmill.inference.opening import open_embedder

        if self._embedder is not None:
            return self._embedder
        return open_embedder(self.config.embed.model, self.settings.models, self.settings.folder / "models")

    @cached_property
    def fingerprints(self) -> dict[Stage, str]:
        """What each stage's results depend on."""
        from docmill.extract.extractors import installed
        from docmill.extract.media.speech import identity

        readers = {
            "speech_model": identity(self.config.extract.speech),
            "extractors": [each.identity for each in installed()],
        }
        return stage_fingerprints(self.config, self.embedder.fingerprint, readers)

    @property
    def space(self) -> Space:
        """The space that vectors live in."""
        return Space(self.embedder.fingerprint, self.embedder.dimensions, self.config.index.metric)

    def source(self, url: str) -> ObjectStore:
        """The store that holds a source's objects."""
        if url not in self._sources:
            if self._open_source is not None:
                self._sources[url] = self._open_source(url)
            else:
                self._sources[url] = open_store(url, self.settings.s3_endpoint_url)
        return self._sources[url]

    def source_of(self, document: Document) -> ObjectStore:
        """The store that holds the document's bytes."""
        return self.source(document.source)

    def close(self) -> None:
        """No connection is left open."""
        if "ledger" in self.__dict__:
            self.ledger.close()
