# Runs model.param (or model.param.bin) and model.bin of each folder on its inputs.npz, sample by sample, and writes outputs.npz. Everything that
# has its own float is float32: no fp16, no bf16.
import os
import signal
import sys

import ncnn
import numpy as np


def run(folder):
    path = lambda name: os.path.join(folder, name)
    net = ncnn.Net()
    net.opt.use_vulkan_compute = False
    net.opt.num_threads = 1
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = net.opt.use_bf16_storage = False
    binary = os.path.exists(path('model.param.bin'))
    failed = net.load_param_bin(path('model.param.bin')) if binary else net.load_param(path('model.param'))
    if failed or net.load_model(path('model.bin')):
        sys.exit(f'ncnn does not load the model in {folder}')
    inputs = np.load(path('inputs.npz'))
    names = net.input_indexes() if binary else inputs.files
    given = {name: np.ascontiguousarray(inputs[name]) for name in inputs.files}
    outputs = {}
    for sample in range(len(next(iter(given.values())))):
        extractor = net.create_extractor()
        for name, key in zip(names, inputs.files):
            # A Mat does not keep the array that it was made of, and layers write into what they are given.
            extractor.input(name, ncnn.Mat(given[key][sample]).clone())
        for name in net.output_indexes() if binary else net.output_names():
            status, blob = extractor.extract(name)
            if status:
                sys.exit(f'ncnn does not compute {name}: {status}')
            outputs.setdefault(f'blob{name}' if binary else name, []).append(np.array(blob, dtype=np.float32))
    np.savez(path('outputs.npz'), **{name: np.stack(blobs) for name, blobs in outputs.items()})


# Each in a process of its own: a network that ncnn does not survive takes no other with it.
for folder in sys.argv[1:]:
    child = os.fork()
    if child == 0:
        signal.alarm(100)
        run(folder)
        os._exit(0)
    os.waitpid(child, 0)
