"""What a collection is built with. Every field that changes a result is part of the stage's fingerprint."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class Section(BaseModel):
    """Base of all settings: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Mode(StrEnum):
    """How much a page may cost.

    `fast` reads the text that a document holds; `auto` adds the layout model for pages of a PDF whose tables are in
    doubt, and OCR for pages and documents without text; `accurate` uses the layout model on every page of a PDF, and
    reads the pictures inside office documents, too.
    """

    FAST = "fast"
    AUTO = "auto"
    ACCURATE = "accurate"


class PictureConfig(Section):
    """Which pictures of office, web and mail documents are kept; those that the document describes always are."""

    min_side: Annotated[int, Field(ge=1, description="pixels that a picture's shorter side has at least")] = 16
    max_aspect: Annotated[float, Field(ge=1, description="longer side of a picture by its shorter one at most")] = 30.0


class SpeechConfig(Section):
    """How speech becomes text; without a model, sound is refused and video keeps its scenes only."""

    model: Annotated[
        str, Field(description="folder of a Whisper model (CTranslate2); with a url the model's name there")
    ] = ""
    url: Annotated[str, Field(description="OpenAI-compatible server for speech, such as http://host:8000/v1")] = ""
    api_key: Annotated[SecretStr, Field(exclude=True, description="key of that server (a secret)")] = SecretStr("")
    timeout: Annotated[float, Field(gt=0, description="seconds to wait for ten minutes of speech")] = 600.0
    language: Annotated[str, Field(description="ISO 639-1 code of what is spoken; empty: the model tells")] = ""
    max_seconds: Annotated[float, Field(gt=0, description="seconds that a recording may last")] = 14_400.0
    max_scenes: Annotated[int, Field(ge=1, description="scenes of a video that are kept")] = 500


class OcrEngine(StrEnum):
    """What recognises text: rapidocr is part of docmill, tesseract a program that must be installed."""

    RAPIDOCR = "rapidocr"
    TESSERACT = "tesseract"


class OfficeConfig(Section):
    """What counts in office files."""

    hidden: Annotated[bool, Field(description="read hidden sheets, rows, columns and slides, too")] = True
    formulas: Annotated[bool, Field(description="keep the formulas of cells (xlsx, ods) beside their values")] = False
    deleted: Annotated[bool, Field(description="read text that tracked changes delete, too")] = False


class ExtractConfig(Section):
    """How bytes become elements. `languages` are ISO 639-1 codes for OCR; crops are PNG pictures of figures."""

    mode: Annotated[
        Mode, Field(description="fast: no models; auto: layout model and OCR where needed; accurate: everywhere")
    ] = Mode.AUTO
    languages: Annotated[tuple[str, ...], Field(description="ISO 639-1 codes for OCR")] = ("en",)
    crops: Annotated[bool, Field(description="keep pictures of figures in the store")] = True
    ocr_engine: Annotated[OcrEngine, Field(description="rapidocr, or tesseract where it is installed")] = (
        OcrEngine.RAPIDOCR
    )
    force_ocr: Annotated[
        bool, Field(description="read every page of PDFs by OCR, in every mode; its own text where OCR reads nothing")
    ] = False
    ocr_dpi: Annotated[int, Field(ge=72, le=600, description="resolution that pages are rendered at for OCR")] = 200
    max_pages: Annotated[int, Field(ge=1, description="pages that a document may have")] = 5_000
    pages_per_task: Annotated[
        int, Field(ge=1, description="pages that a worker reads at once; the time limit holds for each such range")
    ] = 200
    max_bytes: Annotated[int, Field(ge=1, description="bytes that a document may have")] = 500_000_000
    max_members: Annotated[
        int, Field(ge=1, description="documents that an archive, mailbox or mail may hold, at all depths together")
    ] = 50_000
    max_unpacked_bytes: Annotated[
        int, Field(ge=1, description="bytes that the members of a document may have, at all depths together")
    ] = 1_000_000_000
    max_depth: Annotated[int, Field(ge=1, description="archives and mails within each other that are opened")] = 5
    office: OfficeConfig = OfficeConfig()
    pictures: PictureConfig = PictureConfig()
    speech: SpeechConfig = SpeechConfig()


class Strategy(StrEnum):
    """Where a chunk may begin, besides where the one before is full.

    `tokens`: nowhere else, and a full one ends between any two words; `sentence`: the same, ending with a sentence;
    `page`: with each page; `section`: with each title, small sections joined; `element`: with each element; `semantic`:
    where the subject changes, told by vectors of the sentences.
    """

    TOKENS = "tokens"
    SENTENCE = "sentence"
    PAGE = "page"
    SECTION = "section"
    ELEMENT = "element"
    SEMANTIC = "semantic"


class CaptionConfig(Section):
    """How pictures are described in words: by any OpenAI-compatible server that sees. Off without a url."""

    url: Annotated[
        str, Field(description="OpenAI-compatible server that sees pictures, such as http://host:8000/v1")
    ] = ""
    model: Annotated[str, Field(description="its name there")] = ""
    api_key: Annotated[SecretStr, Field(exclude=True, description="key of that server (a secret)")] = SecretStr("")
    timeout: Annotated[float, Field(gt=0, description="seconds to wait for a description")] = 120.0
    parallel: Annotated[int, Field(ge=1, description="pictures asked about at once")] = 4
    prompt: Annotated[str, Field(description="what is asked about a picture")] = (
        "Describe this picture from a document so that it can be found: what it shows, with the names, labels and "
        "numbers that can be read in it. If it is a chart, add its data as a Markdown table with a header row. Answer "
        "with nothing else."
    )
    chart_prompt: Annotated[str, Field(description="what is asked about a chart whose data the document lacks")] = (
        "This is a chart or infographic from a document. Say in one paragraph what it shows, then give its data as a "
        "Markdown table with a header row. Give only what can be read in it."
    )
    context: Annotated[int, Field(ge=0, description="characters of the text around the picture sent with it")] = 500
    max_tokens: Annotated[int, Field(ge=1, description="tokens of a description at most")] = 500
    max_pictures: Annotated[int, Field(ge=1, description="pictures of a document that are described")] = 200


class RedactConfig(Section):
    """Personal data that is taken out before chunks are made. Off without kinds, names or patterns."""

    kinds: Annotated[
        tuple[Literal["email", "phone", "iban", "card", "ip", "id"], ...],
        Field(description="email, phone, iban, card, ip, id: what is taken out of the text"),
    ] = ()
    regions: Annotated[
        tuple[str, ...], Field(description="ISO 3166 codes of countries whose phone numbers and ids are known")
    ] = ("US", "GB", "DE", "FR")
    names: Annotated[tuple[str, ...], Field(description="names that are taken out wherever they stand")] = ()
    patterns: Annotated[dict[str, str], Field(description="kind → regular expression of further data")] = {}

    @property
    def active(self) -> bool:
        """Whether anything is taken out."""
        return bool(self.kinds or self.names or self.patterns)


class EnrichConfig(Section):
    """What is done with elements before chunks are made of them."""

    caption: CaptionConfig = CaptionConfig()
    redact: RedactConfig = RedactConfig()

    @property
    def active(self) -> bool:
        """Whether elements are changed at all."""
        return bool(self.caption.url) or self.redact.active


class ChunkConfig(Section):
    """Sizes are tokens of the embedding model, its two special tokens included."""

    strategy: Annotated[
        Strategy, Field(description="where chunks begin: tokens, sentence, page, section, element or semantic")
    ] = Strategy.SECTION
    max_tokens: Annotated[int, Field(ge=16, le=8192, description="tokens of a chunk at most")] = 256
    overlap_tokens: Annotated[int, Field(ge=0, description="tokens repeated from the chunk before")] = 24
    context: Annotated[
        bool, Field(description="embed and index each chunk with its document's name and its section")
    ] = True
    tables_apart: Annotated[bool, Field(description="tables are chunks of their own, with their titles")] = True
    table_tokens: Annotated[
        int, Field(ge=16, le=8192, description="tokens of a chunk of a table; its labels are embedded without numbers")
    ] = 512
    parent_tokens: Annotated[
        int, Field(ge=0, description="tokens of the passage that a hit can be widened to, within its section")
    ] = 1024
    semantic_percentile: Annotated[
        int, Field(ge=50, le=99, description="share of neighbouring sentences (percent) that stay together")
    ] = 90


class EmbedConfig(Section):
    """Which model embeds."""

    model: Annotated[str, Field(description="the embedding model")] = "all-MiniLM-L6-v2"


class IndexKind(StrEnum):
    """Milvus's index over the vectors; `auto` chooses by the number of rows."""

    AUTO = "auto"
    FLAT = "flat"
    HNSW = "hnsw"
    IVF_FLAT = "ivf_flat"
    IVF_SQ8 = "ivf_sq8"
    DISKANN = "diskann"
    GPU_CAGRA = "gpu_cagra"


class Consistency(StrEnum):
    """What a search on a Milvus server sees: all that was written (`strong`), or what is up to some seconds older."""

    STRONG = "strong"
    BOUNDED = "bounded"
    SESSION = "session"
    EVENTUALLY = "eventually"


class IndexConfig(Section):
    """How vectors and words are indexed. A change builds a new physical collection beside the live one."""

    metric: Annotated[str, Field(description="similarity of vectors")] = "COSINE"
    kind: Annotated[
        IndexKind,
        Field(description="auto (by the number of rows), flat, hnsw, ivf_flat, ivf_sq8, diskann or gpu_cagra"),
    ] = IndexKind.AUTO
    language: Annotated[str, Field(description="Snowball stemmer of the words, such as german; empty for none")] = (
        "english"
    )
    partition_key: Annotated[
        str, Field(description="key of the documents' metadata that parts tenants on a server, such as tenant")
    ] = ""
    consistency: Annotated[
        Consistency, Field(description="of searches on a server: strong, bounded, session or eventually")
    ] = Consistency.STRONG


class PipelineConfig(Section):
    """The settings of all stages."""

    extract: ExtractConfig = ExtractConfig()
    enrich: EnrichConfig = EnrichConfig()
    chunk: ChunkConfig = ChunkConfig()
    embed: EmbedConfig = EmbedConfig()
    index: IndexConfig = IndexConfig()
