"""Settings: the file, the environment over it, and a clear word on each wrong one."""

import os
from pathlib import Path

import pytest

from docmill.errors import ConfigError
from docmill.settings import load_settings


@pytest.fixture(autouse=True)
def _clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("DOCMILL_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_defaults_are_embedded_below_home(tmp_path: Path):
    settings = load_settings()
    assert settings.store == f"file://{tmp_path}/.docmill/store/"
    assert settings.ledger == f"sqlite:///{tmp_path}/.docmill/ledger.db"
    assert settings.milvus == f"{tmp_path}/.docmill/index.db"


def test_environment_comes_before_the_file(tmp_path: Path, monkeypatch):
    (tmp_path / "docmill.toml").write_text('collection = "file"\ndelete_cap = 0.5\n[batch]\ndocuments = 7\n')
    monkeypatch.setenv("DOCMILL_COLLECTION", "variable")
    monkeypatch.setenv("DOCMILL_PIPELINE__CHUNK__MAX_TOKENS", "128")
    settings = load_settings()
    assert (settings.collection, settings.delete_cap, settings.batch.documents) == ("variable", 0.5, 7)
    assert settings.pipeline.chunk.max_tokens == 128


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("DOCMILL_COLECTION", "x", "DOCMILL_COLECTION is not a setting. Did you mean DOCMILL_COLLECTION?"),
        ("DOCMILL_NONSENSE", "x", "DOCMILL_NONSENSE is not a setting"),
        ("DOCMILL_BATCH__SIZE", "3", "batch.SIZE|batch.size"),
        ("DOCMILL_PIPELINE__CHUNK__MAX_TOKENS", "4", "pipeline.chunk.max_tokens: Input should be greater"),
        ("DOCMILL_DELETE_CAP", "many", "delete_cap"),
        ("DOCMILL_WATCH", "s3://uploads", "watch"),
        ("DOCMILL_BATCH", "[", "batch"),
    ],
)
def test_wrong_variable_is_named(monkeypatch, name: str, value: str, words: str):
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=words):
        load_settings()


@pytest.mark.parametrize("text", ["colection = 'x'", "[batch]\nsize = 3", "not toml"])
def test_wrong_file_is_told(tmp_path: Path, text: str):
    (tmp_path / "docmill.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"colection|batch\.size|not TOML"):
        load_settings()


def test_secrets_are_not_shown(monkeypatch):
    monkeypatch.setenv("DOCMILL_MILVUS_TOKEN", "root:a-secret")
    monkeypatch.setenv("DOCMILL_LEDGER_URL", "postgresql://me:a-secret@host/db")
    settings = load_settings()
    assert "a-secret" not in repr(settings)
    assert "a-secret" not in settings.model_dump_json()


def test_wrong_secret_is_not_told(monkeypatch):
    monkeypatch.setenv("DOCMILL_MILVUS_TOKEN", "a-secret")
    monkeypatch.setenv("DOCMILL_DELETE_CAP", "7")
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert "a-secret" not in str(caught.value)
