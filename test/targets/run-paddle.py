"""Runs Paddle models on a CPU: python run-paddle.py FOLDER... Each folder has model.pdmodel, model.pdiparams and inputs.npz; it gets
outputs.npz, outputs in their order under a0, a1, ..., and ran.json, the operators by type."""
import collections
import json
import pathlib
import sys
import warnings

warnings.simplefilter('ignore')
import numpy as np
import paddle.inference as paddle
from paddle.base.proto import framework_pb2

for folder in map(pathlib.Path, sys.argv[1:]):
    configuration = paddle.Config(str(folder / 'model.pdmodel'), str(folder / 'model.pdiparams'))
    configuration.disable_glog_info()
    configuration.disable_mkldnn()
    configuration.set_cpu_math_library_num_threads(1)
    predictor = paddle.create_predictor(configuration)
    for name, array in np.load(folder / 'inputs.npz').items():
        predictor.get_input_handle(name).copy_from_cpu(array)
    predictor.run()
    handles = [predictor.get_output_handle(name) for name in predictor.get_output_names()]
    np.savez(folder / 'outputs.npz', **{f'a{i}': handle.copy_to_cpu() for i, handle in enumerate(handles)})
    program = framework_pb2.ProgramDesc()
    program.ParseFromString((folder / 'model.pdmodel').read_bytes())
    ran = collections.Counter(op.type for op in program.blocks[0].ops)
    (folder / 'ran.json').write_text(json.dumps(ran))
