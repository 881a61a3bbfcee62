"""`docmill parse` reads pictures by the models where the settings have them."""

import json

from tests.inference.test_triton import printed


def test_picture_is_read_at_triton(docmill, triton, tmp_path):
    from docmill.inference import places
    from docmill.inference.triton import TritonModel

    (tmp_path / "sign.png").write_bytes(printed("Invoice 4711"))
    names = ("PP-OCRv6_det_small", "PP-OCRv6_rec_small")
    models = {name: {"runtime": "triton", "urls": [triton.grpc]} for name in names}
    before = TritonModel(names[0], (triton.grpc,)).statistics()
    try:
        said = docmill("parse", tmp_path / "sign.png", DOCMILL_MODELS=json.dumps(models)).stdout
    finally:
        places.know(())
    assert "Invoice 4711" in said
    assert TritonModel(names[0], (triton.grpc,)).statistics().since(before).requests > 0
