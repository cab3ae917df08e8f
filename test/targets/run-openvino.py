"""Runs models in OpenVINO on a CPU, floats in float32, and says what ran in few bits:

    python run-openvino.py FOLDER...

Each folder has model.xml, model.bin and inputs.npz; it gets outputs.npz and ran.json, the number of layers by type and precision.
"""
import collections
import json
import pathlib
import sys

import numpy as np
import openvino as ov

core = ov.Core()
# Floats that meet weights of few bits stay floats.
settings = {'INFERENCE_PRECISION_HINT': 'f32', 'DYNAMIC_QUANTIZATION_GROUP_SIZE': 0, 'INFERENCE_NUM_THREADS': 1, 'PERF_COUNT': True}


def said(node, key):
    info = node.get_rt_info()
    value = info[key] if key in info else ''
    return str(getattr(value, 'value', value))


for folder in map(pathlib.Path, sys.argv[1:]):
    compiled = core.compile_model(folder / 'model.xml', 'CPU', settings)
    result = compiled(dict(np.load(folder / 'inputs.npz')))
    np.savez(folder / 'outputs.npz', **{min(port.get_names()): result[port] for port in compiled.outputs})
    ran = collections.Counter()
    for node in compiled.get_runtime_model().get_ordered_ops():
        ran[f"{said(node, 'layerType')} {said(node, 'runtimePrecision')}"] += 1
    (folder / 'ran.json').write_text(json.dumps(ran))
