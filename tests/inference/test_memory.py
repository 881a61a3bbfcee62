import numpy as np

from docmill.inference.embedder import Embedder
from docmill.inference.memory import HashEmbedder


def test_twin_has_the_shape_of_an_embedder():
    embedder: Embedder = HashEmbedder(dimensions=64)
    result = embedder.embed(["one text", ""])
    assert result.vectors.shape == (2, 64)
    np.testing.assert_allclose(np.linalg.norm(result.vectors, axis=1), 1.0, rtol=1e-6)


def test_same_text_gives_the_same_bytes():
    assert HashEmbedder().embed(["a b c"]).vectors.tobytes() == HashEmbedder().embed(["a b c"]).vectors.tobytes()


def test_shared_words_bring_texts_near():
    near, other, far = HashEmbedder().embed(["red apple pie", "Red apple cake", "quantum field theory"]).vectors
    assert near @ other > 0.5 > near @ far


def test_tokens_are_words_and_marks_with_their_characters():
    tokens = HashEmbedder().tokenize("Hi, you")
    assert tokens.offsets == ((0, 2), (2, 3), (4, 7))


def test_long_text_is_named():
    assert HashEmbedder(max_tokens=4).embed(["a b", "a b c"]).truncated == (1,)


def test_dimensions_are_part_of_the_fingerprint():
    assert HashEmbedder(dimensions=64).fingerprint != HashEmbedder(dimensions=128).fingerprint
