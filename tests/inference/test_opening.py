"""What the settings' tables `[models.<name>]` open."""

import re
import tomllib

import numpy as np
import pytest
from pydantic import SecretStr, ValidationError

from docmill.errors import ConfigError
from docmill.inference.endpoint import OpenAIEndpoint
from docmill.inference.minilm import NAME
from docmill.inference.minilm_batched import build_batched_minilm
from docmill.inference.model_config import ModelConfig, Runtime
from docmill.inference.opening import open_embedder, open_endpoint, open_reranker
from docmill.inference.weights import find_weights
from docmill.settings import Settings
from tests.cross_encoder import write_cross_encoder
from tests.minilm_gguf import write_minilm_gguf
from tests.openai_server import API_KEY, DIMENSIONS, EMBEDDING, openai_server
from tests.services import ROOT


@pytest.fixture(scope="module")
def batched(tmp_path_factory):
    """A folder with a model.onnx and a tokenizer.json, as exported from a model hub."""
    folder = tmp_path_factory.mktemp("batched")
    (folder / "model.onnx").write_bytes(build_batched_minilm(find_weights(), half=False))
    (folder / "tokenizer.json").write_bytes(find_weights().tokenizer.read_bytes())
    return folder


def own(folder, **options):
    return ModelConfig(folder=folder, **({"dimensions": 384, "max_tokens": 256} | options))


def test_folder_of_a_model_gives_what_the_same_model_gives(batched, exact, texts, home):
    embedder = open_embedder("mine", {"mine": own(batched, batch=3)}, home)
    found = embedder.embed(texts)
    assert ((found.vectors * exact.embed(texts).vectors).sum(axis=1) > 0.99999).all()
    assert embedder.fingerprint != exact.fingerprint


def test_prefixes_tell_questions_from_chunks(batched, home):
    config = own(batched, query_prefix="query: ", passage_prefix="passage: ")
    embedder = open_embedder("mine", {"mine": config}, home)
    plain = open_embedder("mine", {"mine": own(batched)}, home)
    assert np.allclose(embedder.embed(["a"], query=True).vectors, plain.embed(["query: a"]).vectors, atol=1e-6)
    assert np.allclose(embedder.embed(["a"]).vectors, plain.embed(["passage: a"]).vectors, atol=1e-6)
    assert embedder.special_tokens == plain.special_tokens + 2
    assert embedder.fingerprint != plain.fingerprint


def test_wrong_number_of_dimensions_is_a_setting(batched, home):
    with pytest.raises(ConfigError, match="384 numbers, not 100"):
        open_embedder("mine", {"mine": own(batched, dimensions=100)}, home).embed(["a"])


def test_place_is_no_part_of_the_fingerprint(home, batched):
    def fingerprint(**options):
        config = ModelConfig(**({"tokenizer": batched / "tokenizer.json", "dimensions": 8, "max_tokens": 64} | options))
        return open_embedder("mine", {"mine": config}, home).fingerprint

    at_triton = fingerprint(runtime=Runtime.TRITON, urls=("grpc://a:1",))
    assert at_triton == fingerprint(runtime=Runtime.OPENAI, urls=("http://b/v1",), batch=7, timeout=1)
    assert at_triton != fingerprint(runtime=Runtime.TRITON, urls=("grpc://a:1",), version="2")


def test_endpoint_embeds(embedding_url, home):
    config = ModelConfig(
        runtime=Runtime.OPENAI,
        model="tiny",
        urls=(embedding_url,),
        api_key=SecretStr(API_KEY),
        dimensions=DIMENSIONS,
        max_tokens=64,
        batch=2,
    )
    embedder = open_embedder("tiny-at-home", {"tiny-at-home": config}, home)
    found = embedder.embed(["one", "", "word " * 100])
    assert found.truncated == (2,)
    assert found.vectors.shape == (3, DIMENSIONS)
    assert np.allclose(np.linalg.norm(found.vectors, axis=1), 1)
    assert np.allclose(found.vectors[:1], embedder.embed(["one"]).vectors, atol=1e-3)
    embedder.endpoint.close()


def test_model_without_a_description_says_what_is_missing(home):
    with pytest.raises(ConfigError, match="no embedding model"):
        open_embedder("nothing", {}, home)
    config = ModelConfig(runtime=Runtime.OPENAI, urls=("http://a/v1",))
    with pytest.raises(ConfigError, match="dimensions and max_tokens"):
        open_embedder("bge", {"bge": config}, home)
    with pytest.raises(ConfigError, match="runtime openai"):
        open_endpoint("mine", {"mine": ModelConfig()})
    with pytest.raises(ConfigError, match=r"\[models.chat\]"):
        open_endpoint("chat", {})


def test_runtime_and_urls_belong_together():
    with pytest.raises(ValidationError, match="needs urls"):
        ModelConfig(runtime=Runtime.TRITON)
    with pytest.raises(ValidationError, match="urls are for"):
        ModelConfig(urls=("http://a",))


def test_half_precision_is_for_servers(home):
    with pytest.raises(ConfigError, match="float16"):
        open_embedder(NAME, {NAME: ModelConfig(precision="float16")}, home)


def test_precision_of_the_settings_is_used(home, exact):
    assert open_embedder(NAME, {NAME: ModelConfig(precision="float32")}, home).fingerprint == exact.fingerprint


def test_keys_do_not_show():
    settings = Settings(models={"chat": ModelConfig(runtime="openai", urls=("http://a/v1",), api_key="s3cret")})
    assert "s3cret" not in repr(settings)
    assert "s3cret" not in settings.model_dump_json()


def test_cross_encoder_scores_question_and_text_together(tmp_path):
    write_cross_encoder(tmp_path)
    reranker = open_reranker("cross", {"cross": ModelConfig(folder=tmp_path, max_tokens=32, batch=2)})
    scores = reranker.rerank("one two", ["a", "a b c d", "word " * 500])
    # [CLS] one two [SEP] text [SEP]: the text and the last [SEP] are the second segment
    assert scores == pytest.approx([2 / 6, 5 / 9, 28 / 32])
    assert reranker.rerank("one", []) == []


def test_reranker_at_an_endpoint_is_the_endpoint():
    config = ModelConfig(runtime=Runtime.OPENAI, urls=("http://a/v1",), dialect="nim")
    assert isinstance(open_reranker("r", {"r": config}), OpenAIEndpoint)


def test_endpoint_of_the_same_model_has_its_fingerprint_and_its_vectors(tmp_path, home, exact, texts):
    write_minilm_gguf(tmp_path / "minilm.gguf")
    with openai_server(tmp_path, EMBEDDING, tmp_path / "minilm.gguf") as url:
        place = ModelConfig(runtime=Runtime.OPENAI, urls=(url,), api_key=API_KEY, precision="float32")
        served = open_embedder(NAME, {NAME: place}, home)
        found = served.embed(texts)
        served.endpoint.close()
    assert served.fingerprint == exact.fingerprint
    assert ((found.vectors * exact.embed(texts).vectors).sum(axis=1) > 0.9999).all()


def test_example_of_the_documentation_opens(tmp_path, home):
    text = (ROOT / "docs/models.md").read_text(encoding="utf-8")
    settings = Settings.model_validate(tomllib.loads(re.search(r"```toml\n(.*?)```", text, re.S).group(1)))
    assert settings.models[NAME].urls == ("grpc://gpu-1:8001", "grpcs://gpu-2:8001")
    embedder = open_embedder(settings.pipeline.embed.model, settings.models, home)
    assert (embedder.dimensions, embedder.endpoint.options.dialect) == (2048, "nim")


@pytest.mark.parametrize("page", ["docs/models.md", "deploy/triton/README.md", "benchmarks/inference.md"])
def test_links_of_the_pages_lead_somewhere(page):
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", (ROOT / page).read_text(encoding="utf-8")):
        assert ((ROOT / page).parent / target).exists(), target
