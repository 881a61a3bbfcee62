"""LlamaIndex as its own documentation begins: SimpleDirectoryReader, SentenceSplitter(1024), MiniLM, Milvus Lite.

Runs in `.venv/llamaindex`. SentenceSplitter counts tokens with tiktoken and splits with nltk's punkt; llama-index-core
brings the files of both along, so nothing is downloaded. MiniLM reads the first 256 tokens of each chunk of up to
1,024: the rest of the text is stored but not embedded, and costs nothing.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from stopwatch import Stopwatch, arguments, leave, model_folder

PACKAGES = ("llama-index-core", "llama-index-embeddings-huggingface", "llama-index-vector-stores-milvus")
PACKAGES += ("pypdf", "sentence-transformers", "torch", "milvus-lite")


def main(folder: Path, out: Path, home: str) -> None:
    """Bring the PDFs of `folder` into a collection under `home`."""
    watch = Stopwatch()
    with watch.stage("import"):
        from llama_index.core import SimpleDirectoryReader
        from llama_index.core.node_parser import SentenceSplitter
        from llama_index.embeddings.huggingface import HuggingFaceEmbedding
        from llama_index.vector_stores.milvus import MilvusVectorStore

        embed = HuggingFaceEmbedding(model_name=model_folder())
    with watch.stage("parse"):
        documents = SimpleDirectoryReader(str(folder)).load_data()
    with watch.stage("chunk"):
        nodes = SentenceSplitter(chunk_size=1024).get_nodes_from_documents(documents)
    with watch.stage("embed"):
        nodes = embed(nodes)
    with watch.stage("index"):
        store = MilvusVectorStore(uri=f"{home}/llamaindex.db", dim=384, overwrite=True)
        store.add(nodes)
    leave(out, watch, pages=len(documents), chunks=len(nodes), packages=PACKAGES)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        main(*arguments(), scratch)
