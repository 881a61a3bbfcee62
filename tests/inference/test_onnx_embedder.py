import multiprocessing

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from docmill.inference.onnx_embedder import OnnxEmbedder


def test_vectors_have_unit_length_and_the_stated_shape(embedder, texts):
    vectors = embedder.embed(texts).vectors
    assert vectors.shape == (len(texts), embedder.dimensions)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, rtol=1e-5)


def test_no_texts_give_no_vectors(embedder):
    assert embedder.embed([]).vectors.shape == (0, embedder.dimensions)


def test_known_sentence_has_the_vector_of_the_published_model(exact):
    vector = exact.embed(["This is an example sentence"]).vectors[0]
    np.testing.assert_allclose(vector[:4], [0.0676569, 0.0634959, 0.0487131, 0.0793049], atol=2e-5)


def test_int8_stays_near_float32(embedder, exact, texts):
    cosines = (embedder.embed(texts).vectors * exact.embed(texts).vectors).sum(axis=1)
    assert cosines.min() > 0.99
    assert cosines.mean() > 0.997


def test_paraphrase_is_nearer_than_another_subject(embedder, texts):
    invoice, bill, glacier = embedder.embed(texts[:3]).vectors
    assert invoice @ bill > invoice @ glacier + 0.3


def test_vector_does_not_depend_on_the_texts_beside_it(embedder, texts):
    together = embedder.embed(texts).vectors
    alone = np.concatenate([embedder.embed([text]).vectors for text in texts])
    assert together.tobytes() == alone.tobytes()


def test_order_of_the_texts_is_kept(embedder, texts):
    forward = embedder.embed(texts).vectors
    backward = embedder.embed(texts[::-1]).vectors
    assert forward.tobytes() == backward[::-1].tobytes()


def test_number_of_threads_does_not_change_the_vectors(home, embedder, texts):
    parallel = OnnxEmbedder(home, threads=3)
    assert parallel.embed(texts).vectors.tobytes() == embedder.embed(texts).vectors.tobytes()


def test_long_text_is_cut_and_named(embedder):
    result = embedder.embed(["short", "word " * 254, "word " * 255])
    assert result.truncated == (2,)
    assert result.vectors[1].tobytes() == result.vectors[2].tobytes()


def test_tokens_point_at_their_characters(embedder):
    text = "Größe of Embeddings!"
    tokens = embedder.tokenize(text)
    assert len(tokens) == len(tokens.ids) == len(tokens.offsets)
    assert text[slice(*tokens.offsets[0])] == "Gr"
    assert text[slice(*tokens.offsets[-1])] == "!"


def test_tokenize_never_cuts(embedder):
    assert len(embedder.tokenize("word " * 1000)) == 1000


def test_special_tokens_count_towards_the_limit(embedder):
    room = embedder.max_tokens - embedder.special_tokens
    text = "word " * room
    assert len(embedder.tokenize(text)) == room
    assert embedder.embed([text]).truncated == ()


def test_lone_surrogates_are_read_as_question_marks(embedder):
    assert embedder.tokenize("a\ud800b").offsets == embedder.tokenize("a?b").offsets
    assert np.isfinite(embedder.embed(["a\ud800b"]).vectors).all()


@settings(max_examples=30, deadline=None)
@given(text=st.text(max_size=60))
def test_any_text_has_a_finite_vector_and_ordered_offsets(embedder, text):
    assert np.isfinite(embedder.embed([text]).vectors).all()
    offsets = embedder.tokenize(text).offsets
    assert all(0 <= start <= end <= len(text) for start, end in offsets)
    assert list(offsets) == sorted(offsets)


def test_precision_is_part_of_the_fingerprint(embedder, exact):
    assert len(embedder.fingerprint) == 16
    assert embedder.fingerprint != exact.fingerprint


def test_another_process_gives_the_same_bytes(home, embedder, texts):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        other = pool.apply(_embed, (home, texts))
    assert other == embedder.embed(texts).vectors.tobytes()


def _embed(home, texts):
    return OnnxEmbedder(home, threads=2).embed(texts).vectors.tobytes()
