"""What `docmill doctor` says of the models of the settings."""

from docmill.inference.checks import check_models
from docmill.settings import Settings
from tests.openai_server import API_KEY
from tests.services import free_port


def checks(**models):
    return [(each.well, each.sentence) for each in check_models(Settings(models=models))]


def test_models_without_a_server_need_no_check():
    assert checks() == []


def test_endpoint_that_has_the_model(embedding_url):
    place = {"runtime": "openai", "urls": [embedding_url], "api_key": API_KEY}
    assert checks(tiny=place) == [(True, f"{embedding_url} offers tiny.")]


def test_endpoint_that_has_another_model(embedding_url):
    place = {"runtime": "openai", "urls": [embedding_url], "api_key": API_KEY}
    assert checks(small=place) == [(False, f"{embedding_url} does not offer small but tiny.")]


def test_each_triton_server_is_asked(triton):
    dead = f"grpc://127.0.0.1:{free_port()}"
    place = {"runtime": "triton", "model": "all-MiniLM-L6-v2", "urls": [triton.http, dead]}
    (first, said), second = checks(mine=place)
    assert first
    assert f"{triton.http} has all-MiniLM-L6-v2 ready" in said
    assert second == (False, f"{dead} does not have all-MiniLM-L6-v2 ready.")


def test_folder_without_a_model(tmp_path):
    ((well, sentence),) = checks(mine={"folder": tmp_path})
    assert not well
    assert "model.onnx" in sentence
