# Runs model.param (or model.param.bin) and model.bin of each folder on its inputs.npz, one sample, and writes outputs.npz. Everything that
# has its own float is float32: no fp16, no bf16.
import os
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
    extractor = net.create_extractor()
    inputs = np.load(path('inputs.npz'))
    names = net.input_indexes() if binary else inputs.files
    # A Mat does not keep the array that it was made of, and layers write into what they are given.
    arrays = [np.ascontiguousarray(inputs[name][0]) for name in inputs.files]
    for name, array in zip(names, arrays):
        extractor.input(name, ncnn.Mat(array).clone())
    outputs = {}
    for name in net.output_indexes() if binary else net.output_names():
        status, blob = extractor.extract(name)
        if status:
            sys.exit(f'ncnn does not compute {name}: {status}')
        outputs[f'blob{name}' if binary else name] = np.array(blob, dtype=np.float32)[None]
    np.savez(path('outputs.npz'), **outputs)


# Each in a process of its own: a network that ncnn does not survive takes no other with it.
for folder in sys.argv[1:]:
    child = os.fork()
    if child == 0:
        run(folder)
        os._exit(0)
    os.waitpid(child, 0)
