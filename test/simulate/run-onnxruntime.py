"""Runs layers (JSON: a model in base64 and its feeds each) in Python's onnxruntime: python run-onnxruntime.py layers.json results.json"""
import base64
import json
import sys

import numpy as np
import onnxruntime as ort

flags = open('/proc/cpuinfo').read() if sys.platform == 'linux' else ''
options = ort.SessionOptions()
options.intra_op_num_threads = 1
options.add_session_config_entry('session.x64quantprecision', '1')
results = []
for layer in json.load(open(sys.argv[1])):
    session = ort.InferenceSession(base64.b64decode(layer['model']), options, providers=['CPUExecutionProvider'])
    feeds = {k: np.array(v['data'], v['dtype']).reshape(v['shape']) for k, v in layer['feeds'].items()}
    y = session.run(None, feeds)[0]
    results.append({'shape': list(y.shape), 'data': y.ravel().tolist()})
name = 'onnxruntime %s, %s VNNI' % (ort.__version__, 'with' if 'avx512_vnni' in flags or 'avx_vnni' in flags else 'without')
json.dump({'runtime': name, 'results': results}, open(sys.argv[2], 'w'))
