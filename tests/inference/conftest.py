import pytest

from docmill.inference.onnx_embedder import OnnxEmbedder


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def embedder(home):
    return OnnxEmbedder(home, threads=1)


@pytest.fixture(scope="session")
def exact(home):
    return OnnxEmbedder(home, threads=1, precision="float32")


@pytest.fixture(scope="session")
def texts():
    return [
        "The invoice is due thirty days after the date of delivery.",
        "Payment of this bill has to be made within a month.",
        "Glaciers lose mass when more ice melts in summer than snow falls in winter.",
        "| year | revenue | profit |\n|---|---|---|\n| 2023 | 12.5 | 3.1 |",
        "a",
        "",
        "Größe, naïve, 東京 and emoji 🙂 in one line",
        " ".join(f"Clause {number}: the lessee keeps the premises in repair." for number in range(15)),
    ]
