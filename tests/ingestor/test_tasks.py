"""The tasks after reading: formats of tables, pictures that go, chunks that lose nothing, vectors of a length."""

import base64
import io

import numpy as np
import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydantic import SecretStr

from docmill.config import CaptionConfig
from docmill.errors import UsageError
from docmill.extract.table_picture import table_picture
from docmill.inference.memory import HashEmbedder
from docmill.ingestor.captions import caption, vision_of
from docmill.ingestor.elements import table_text
from docmill.ingestor.options import (
    CaptionOptions,
    DedupOptions,
    EmbedOptions,
    FilterOptions,
    SplitOptions,
    tasks_of,
)
from docmill.ingestor.pictures import filtered, without_repeats
from docmill.ingestor.shape import Picture, Place, Source, TableText, image_element, structured_element, text_element
from docmill.ingestor.splitting import pieces, split
from docmill.ingestor.tokenizers import folder_of, named_tokenizer
from docmill.ingestor.vectors import embed, fitted
from docmill.models import BBox, Cell, Table
from docmill.workspace import Workspace
from tests.media_server import KEY, media_server

PDF = Source("a.pdf", "a.pdf", "pdf", pages=3)
TABLE = Table(rows=2, columns=2, cells=tuple(Cell(row=r, column=c, text=f"{r}{c}") for r in (0, 1) for c in (0, 1)))


def png(width: int, height: int, colour: str = "red") -> Picture:
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, "PNG")
    return Picture(out.getvalue(), "png", width, height)


def image(picture: Picture, box: BBox | None = None):
    return image_element(PDF, Place(1, box, (100, 100)), picture)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("markdown", "| 00 | 01 |\n|---|---|\n| 10 | 11 |"),
        ("pseudo_markdown", "| 00 | 01 |\n| 10 | 11 |"),
        ("simple", "00 01\n10 11"),
        ("html", "<table><tr><td>00</td><td>01</td></tr><tr><td>10</td><td>11</td></tr></table>"),
        ("latex", "\\begin{tabular}{ll}\n00 & 01 \\\\\n10 & 11 \\\\\n\\end{tabular}"),
    ],
)
def test_tables_are_written_in_every_format(form: str, text: str):
    assert table_text(TABLE, form) == (text, form)


def test_small_and_long_pictures_are_marked_or_dropped():
    elements = [image(png(40, 40)), image(png(900, 100)), image(png(300, 200))]
    marked = filtered(elements, FilterOptions())
    assert [each["document_type"] for each in marked] == ["info_message", "info_message", "image"]
    assert len(filtered(elements, FilterOptions(filter=True))) == 1


def test_repeats_and_pictures_under_tables_go():
    box = BBox(x0=10, y0=10, x1=50, y1=50)
    table = structured_element(PDF, Place(1, box, (100, 100)), "table", TableText("x", "markdown"))
    elements = [table, image(png(9, 9), box), image(png(8, 8)), image(png(8, 8))]
    assert without_repeats(elements, DedupOptions()) == [table, elements[2]]


@given(st.text(alphabet="ab \n", max_size=60), st.integers(1, 7), st.integers(0, 6))
def test_split_loses_nothing(text: str, size: int, overlap: int):
    overlap = min(overlap, size - 1)
    offsets = HashEmbedder().tokenize(text).offsets
    made = list(pieces(text, offsets, size, overlap))
    if overlap == 0:
        assert "".join("".join(made).split()) == "".join(text.split())
    assert all(len(HashEmbedder().tokenize(piece).offsets) <= size for piece in made)


def test_split_takes_chosen_source_types_only():
    elements = [text_element(PDF, Place(), "one two three")]
    tokenize = HashEmbedder().tokenize
    assert split(elements, SplitOptions(chunk_size=1, chunk_overlap=0), tokenize) == elements
    chosen = SplitOptions(chunk_size=2, chunk_overlap=1, split_source_types=("pdf",))
    assert [each["metadata"]["content"] for each in split(elements, chosen, tokenize)] == ["one two ", "two three"]


def test_vectors_have_the_length_of_the_named_model():
    elements = [text_element(PDF, Place(), "brakes"), text_element(PDF, Place(), "")]
    for options, length in ((EmbedOptions(), 2048), (EmbedOptions(model_name="nvidia/nv-embedqa-e5-v5"), 1024)):
        first, second = embed(elements, options, HashEmbedder())
        assert len(first["metadata"]["embedding"]) == length
        assert second["metadata"]["embedding"] is None


def test_cut_vectors_have_unit_length():
    assert np.allclose(np.linalg.norm(fitted(np.ones((2, 8), dtype=np.float32) / 8**0.5, 4), axis=1), 1)


def test_captions_are_never_empty():
    (described,) = caption([image(png(300, 200, "blue"))], CaptionOptions())
    assert described["metadata"]["image_metadata"]["caption"] == "A picture of 300 by 200 pixels, mostly blue."
    assert base64.b64decode(described["metadata"]["content"])


def test_secrets_of_tasks_are_dropped():
    given_tasks = [
        {"type": "embed", "task_properties": {"api_key": "nvapi-secret", "endpoint_url": "https://u:p@host"}},
        {"type": "split", "task_properties": {"params": {"hf_access_token": "hf_secret"}}},
    ]
    assert "secret" not in tasks_of(given_tasks).canonical()
    assert "host" not in tasks_of(given_tasks).canonical()


@pytest.mark.parametrize(
    ("task", "why"),
    [
        ({"type": "udf", "task_properties": {"udf_function": "print()"}}, "disabled"),
        ({"type": "teleport"}, "teleport"),
        ({"type": "split", "task_properties": {"chunk_size": "many"}}, "chunk_size"),
    ],
)
def test_refused_tasks_say_why(task: dict, why: str):
    with pytest.raises(UsageError, match=why):
        tasks_of([task])


def test_pictures_are_described_by_the_vision_model_of_the_settings():
    with media_server() as server:
        vision = vision_of(CaptionConfig(url=server.url, model="eyes", api_key=SecretStr(KEY)))
        page = text_element(PDF, Place(1), "Figure 2 shows the valve.")
        options = CaptionOptions(prompt="What is it?", context_text_max_chars=8)
        described = caption([page, image(png(30, 20))], options, vision)[1]["metadata"]
        assert described["image_metadata"]["caption"] == "A mostly red picture, 30 by 20 pixels."
        assert server.prompts == ["What is it?\n\nThe text around it:\nFigure 2"]
        server.failing = 400
        failed = caption([image(png(30, 20))], options, vision)[0]["metadata"]
    assert failed["image_metadata"]["caption"].startswith("A picture of 30 by 20")
    assert failed["info_message_metadata"]["status"] == "error"


def test_named_tokenizers_count_as_their_models_do(workspace: Workspace):
    """BERT's own vocabulary is packaged; other tokenizers are files of the operator's; a name is no path."""
    assert [named_tokenizer(workspace, name) is not None for name in ("intfloat/e5-large-unsupervised", "x/y")] == [
        True,
        False,
    ]
    bert = named_tokenizer(workspace, "bert-base-uncased")
    assert bert is not None
    assert len(bert("Unbelievable gaskets")) == 4
    own = folder_of(workspace) / "acme/words"
    own.mkdir(parents=True)
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.save(str(own / "tokenizer.json"))
    words = named_tokenizer(workspace, "acme/words")
    assert words is not None
    assert len(words("Unbelievable gaskets")) == 2
    assert named_tokenizer(workspace, "../acme/words") is None


def test_table_without_a_page_is_drawn():
    data, width, height = table_picture(TABLE)
    with Image.open(io.BytesIO(data)) as drawn:
        assert drawn.size == (width, height)
        assert len(drawn.convert("L").getcolors() or []) > 2
    assert 20 < height < 200
    assert 20 < width < 200
