"""Against a real Triton server that serves what `docmill models export` writes."""

import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest
from pydantic import SecretStr

from docmill.errors import ConfigError, ModelError, TransientError
from docmill.inference import places
from docmill.inference.minilm import NAME, minilm_fingerprint
from docmill.inference.model_config import ModelConfig, Runtime
from docmill.inference.onnx_embedder import OnnxEmbedder
from docmill.inference.opening import open_embedder
from docmill.inference.servers import CallPolicy
from docmill.inference.triton import TritonModel, TritonOptions
from docmill.inference.triton_repository import ExportOptions, export_repository
from tests.services import free_port
from tests.triton_server import triton_server

HASTY = CallPolicy(attempts=2, pause=0.01, longest_pause=0.02)


def at(*urls, **options):
    return ModelConfig(runtime=Runtime.TRITON, urls=urls, **({"policy": HASTY} | options))


def rows(*lengths):
    ids = np.zeros((len(lengths), max(lengths)), np.int32)
    mask = np.zeros_like(ids)
    for index, length in enumerate(lengths):
        ids[index, :length] = 2003
        mask[index, :length] = 1
    return {"input_ids": ids, "attention_mask": mask}


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_vectors_are_those_of_this_process_byte_for_byte(triton, model_home, embedder, texts, protocol):
    served = open_embedder(NAME, {NAME: at(getattr(triton, protocol), batch=3)}, model_home)
    here, there = embedder.embed([*texts, "word " * 300]), served.embed([*texts, "word " * 300])
    assert there.vectors.tobytes() == here.vectors.tobytes()
    assert there.truncated == here.truncated == (len(texts),)
    assert served.fingerprint == embedder.fingerprint
    assert served.special_tokens == embedder.special_tokens


def test_texts_are_tokenized_at_the_server(triton, embedder, texts):
    model = TritonModel(f"{NAME}-text", (triton.grpc,))
    given = np.array([[text.encode()] for text in [*texts, "word " * 300]], dtype=object)
    found = model.run({"text": given})
    assert found["embedding"].tobytes() == embedder.embed([*texts, "word " * 300]).vectors.tobytes()
    assert found["truncated"][:, 0].tolist() == [False] * len(texts) + [True]


def test_requests_of_threads_are_joined_to_batches(triton):
    model = TritonModel(NAME, (triton.grpc,), TritonOptions(policy=CallPolicy(concurrency=16)))
    before = model.statistics()
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: model.run(rows(200)), range(48)))
    counted = model.statistics().since(before)
    assert (counted.requests, counted.items) == (48, 48)
    assert counted.mean_batch > 1.5
    assert counted.compute > 0
    assert model.servers.tally.items == 48


def test_no_more_requests_are_under_way_than_the_policy_allows(triton):
    model = TritonModel(NAME, (triton.grpc,), TritonOptions(policy=CallPolicy(concurrency=1)))
    before = model.statistics()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: model.run(rows(64)), range(8)))
    assert model.statistics().since(before).mean_batch == 1.0


def test_model_of_another_precision_is_refused(triton, model_home):
    served = open_embedder(NAME, {NAME: at(triton.grpc, precision="float32")}, model_home)
    with pytest.raises(ConfigError, match="is another one") as caught:
        served.embed(["a"])
    assert minilm_fingerprint("int8") in str(caught.value)


def test_model_that_the_server_does_not_have_is_a_setting(triton):
    for url in (triton.grpc, triton.http):
        model = TritonModel("nothing", (url,), TritonOptions(policy=HASTY))
        assert not model.ready()
        with pytest.raises(ConfigError, match="nothing"):
            model.run(rows(3))


def test_row_that_is_too_long_is_the_documents_fault(triton):
    for url in (triton.grpc, triton.http):
        with pytest.raises(ModelError, match="300 tokens"):
            TritonModel(NAME, (url,), TritonOptions(policy=HASTY)).run(rows(300))


def test_server_that_is_down_is_transient():
    for scheme in ("grpc", "http"):
        model = TritonModel(NAME, (f"{scheme}://127.0.0.1:{free_port()}",), TritonOptions(policy=HASTY))
        assert not model.ready()
        with pytest.raises(TransientError):
            model.run(rows(3))
        assert model.servers.tally.failures == 2


def test_another_server_takes_over(triton):
    model = TritonModel(NAME, (f"grpc://127.0.0.1:{free_port()}", triton.http), TritonOptions(policy=HASTY))
    assert model.ready()
    assert model.run(rows(3))["embedding"].shape == (1, 384)
    model.run(rows(3))
    assert model.servers.tally.failures == 1


def test_address_without_a_scheme_is_a_setting():
    with pytest.raises(ConfigError, match="no address"):
        TritonModel(NAME, ("localhost:8001",))


def test_token_is_sent():
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append(self.headers["authorization"])
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        options = TritonOptions(api_key=SecretStr("s3cret"), policy=HASTY)
        assert TritonModel(NAME, (f"http://127.0.0.1:{server.server_port}",), options).ready()
        thread.join()
    assert seen == ["Bearer s3cret"]


def test_batched_graph_is_served_over_tls(triton_program, model_home, exact, texts, tmp_path, certificate):
    repository = tmp_path / "repository"
    export_repository(repository, model_home, ExportOptions(device="gpu", precision="float32"), [NAME])
    config = repository / NAME / "config.pbtxt"
    config.write_text(config.read_text().replace("KIND_GPU", "KIND_CPU"))
    key, chain = certificate
    tls = ["--grpc-use-ssl=true", f"--grpc-server-cert={chain}", f"--grpc-server-key={key}"]
    with triton_server(triton_program, repository, tmp_path, options=tls) as server:
        url = server.grpc.replace("grpc://", "grpcs://")
        place = at(url, precision="float32", ca_file=str(chain))
        served = open_embedder(NAME, {NAME: place}, model_home)
        found = served.embed(texts).vectors
        assert ((found * exact.embed(texts).vectors).sum(axis=1) > 0.99999).all()
        assert not TritonModel(NAME, (url,), TritonOptions(policy=HASTY, timeout=2)).ready()


def test_lines_read_at_triton_are_those_read_here(triton, tmp_path):
    from docmill.extract.ocr import ocr_lines
    from docmill.extract.ocr_rapid import DETECTION, RECOGNITION

    picture = printed("Invoice 4711", "Total 12.50 EUR")
    here = ocr_lines(picture)
    places.know(places.served({DETECTION: at(triton.grpc), RECOGNITION: at(triton.http)}))
    try:
        there = ocr_lines(picture)
    finally:
        places.know(())
    assert [line.text for line in here] == [line.text for line in there] == ["Invoice 4711", "Total 12.50 EUR"]
    assert there == here


def printed(*lines):
    """A picture (PNG) of the lines."""
    import cv2

    page = np.full((80 * len(lines) + 40, 700, 3), 255, np.uint8)
    for number, line in enumerate(lines):
        cv2.putText(page, line, (30, 80 + 80 * number), cv2.FONT_HERSHEY_SIMPLEX, 1.6, (0, 0, 0), 3)
    return cv2.imencode(".png", page)[1].tobytes()


def test_onnx_embedder_of_the_fixture_is_the_default(embedder, model_home):
    assert isinstance(open_embedder(NAME, {}, model_home), OnnxEmbedder)
    assert open_embedder(NAME, {}, model_home).fingerprint == embedder.fingerprint
