"""Makes aimet-*.json: encodings as AIMET's own classes write them.

    python test/formats/aimet.py AIMET_ONNX.whl

Taken out of the wheel is aimet_onnx/_encoding.py; its compiled part is not needed for writing. Needs numpy and onnx.
"""

import importlib.util
import json
import pathlib
import sys
import tempfile
import types
import zipfile
from unittest.mock import MagicMock

import numpy as np

here = pathlib.Path(__file__).parent
folder = tempfile.mkdtemp()
with zipfile.ZipFile(sys.argv[1]) as wheel:
    wheel.extractall(folder, [n for n in wheel.namelist() if n in ("aimet_onnx/_encoding.py", "aimet_onnx/common/defs.py")])


def module(name, path=None, **fields):
    made = types.ModuleType(name)
    made.__path__ = []
    made.__dict__.update(fields)
    if path:
        spec = importlib.util.spec_from_file_location(name, path)
        made = importlib.util.module_from_spec(spec)
    sys.modules[name] = made
    if path:
        spec.loader.exec_module(made)
    return made


module("aimet_onnx")
module("aimet_onnx.common", libpymo=MagicMock())
module("aimet_onnx.common.layer_database", Layer=object)
module("aimet_onnx.common.defs", f"{folder}/aimet_onnx/common/defs.py")
module("aimet_onnx.common.quantsim", _max_representable_value=None)
encoding = module("aimet_onnx._encoding", f"{folder}/aimet_onnx/_encoding.py")


def affine(scale, offset, dtype, axis=None):
    """`offset` is AIMET's: real = (q + offset) * scale."""
    return encoding.AffineEncoding(
        scale=np.array(scale), offset=np.array(offset, np.float64), dtype=dtype, channel_axis=axis, block_axis=None, block_size=None
    )


activations = {"x": affine(0.0625, -3, "uint8"), "y": affine(0.5, 0, "int8"), "z": affine(1 / 4096, -32000, "uint16")}
parameters = {"w": affine([0.25, 0.125, 0.5], [0, 0, 0], "int8", 0)}

for version in ("0.6.1", "1.0.0"):
    sections = {}
    for which, tensors in (("activation_encodings", activations), ("param_encodings", parameters)):
        written = {name: e.to_qnn_encoding_dict(version) for name, e in tensors.items()}
        sections[which] = written if version == "0.6.1" else [{"name": n, **e} for n, e in written.items()]
    text = json.dumps({"version": version, **sections}, indent=2)
    (here / f"aimet-{version}.json").write_text(f"{text}\n")
