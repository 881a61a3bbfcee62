"""Everything a stage needs, opened when it is first used."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from docmill.artifacts import Artifacts
from docmill.config import PipelineConfig
from docmill.errors import ConfigError
from docmill.fingerprints import layout_fingerprint, stage_fingerprints
from docmill.index.base import Space, VectorIndex
from docmill.inference.embedder import Embedder
from docmill.jobs import Jobs
from docmill.keys import Keys
from docmill.ledger import Ledger
from docmill.models import Document, Stage
from docmill.settings import Settings
from docmill.store import ObjectStore, open_store
from docmill.usage import Usage
from docmill.webhooks import Webhooks

if TYPE_CHECKING:
    from docmill.inference.reranker import Reranker


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
        self._embedders: dict[str, Embedder] = {}

    @property
    def config(self) -> PipelineConfig:
        """The settings of the stages."""
        return self.settings.pipeline

    @cached_property
    def by_ocr(self) -> Workspace:
        """The same, but all pages of PDFs are read by OCR: for callers who ask for it; its elements lie apart."""
        extract = self.config.extract.model_copy(update={"force_ocr": True})
        pipeline = self.config.model_copy(update={"extract": extract})
        settings = self.settings.model_copy(update={"pipeline": pipeline})
        return Workspace(settings, index=self._index, embedder=self.embedder, open_source=self._open_source)

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
    def usage(self) -> Usage:
        """What work cost."""
        return Usage(self.ledger.database)

    @cached_property
    def webhooks(self) -> Webhooks:
        """Who is told of what ended."""
        return Webhooks(self.settings)

    @cached_property
    def index(self) -> VectorIndex:
        """The vectors."""
        from docmill.index.milvus import MilvusIndex

        if self._index is not None:
            return self._index
        token = self.settings.milvus_token.get_secret_value()
        return MilvusIndex(self.settings.milvus, token, self.config.index)

    @cached_property
    def embedder(self) -> Embedder:
        """The embedding model."""
        from docmill.inference.opening import open_embedder

        if self._embedder is not None:
            return self._embedder
        return open_embedder(self.config.embed.model, self.settings.models, self.settings.folder / "models")

    def embedder_for(self, space: Space) -> Embedder:
        """The embedding model of a space: that of the settings, or the one that an older generation was built with."""
        from docmill.inference.opening import open_embedder

        if space.model == self.embedder.fingerprint:
            return self.embedder
        if space.name not in self._embedders:
            opened = open_embedder(space.name, self.settings.models, self.settings.folder / "models")
            if opened.fingerprint != space.model:
                raise ConfigError(
                    f"The model {space.name} is not the one any more that the collection was built with.",
                    hint="Run `docmill reindex`, or bring the former model back.",
                )
            self._embedders[space.name] = opened
        return self._embedders[space.name]

    @cached_property
    def reranker(self) -> Reranker:
        """The reranking model; raises ConfigError where none is configured."""
        from docmill.inference.opening import open_reranker

        name = self.settings.rerank_model
        if not name:
            raise ConfigError(
                "No reranking model is configured.",
                hint="Describe one in [models.NAME] and set rerank_model = NAME; see docs/models.md.",
            )
        return open_reranker(name, self.settings.models)

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
        layout = layout_fingerprint(self.config)
        model = self.embedder
        return Space(model.fingerprint, model.dimensions, self.config.index.metric, layout, model.name)

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
