"""Runs MNN models: mnn.py JOBS.json, a list of {model, inputs, outputs}: an .mnn file, an .npz by input name, an .npz to write.

Exits with 1 and the reason where a session cannot be built: MNN itself then gives zeros without a word.
"""
import json
import sys

import numpy as np
import MNN


def run(model, feeds):
    net = MNN.Interpreter(model)
    session = net.createSession({'backend': 'CPU', 'numThread': 1, 'precision': 'high'})
    inputs = net.getSessionInputAll(session)
    for name, tensor in inputs.items():
        net.resizeTensor(tensor, tuple(feeds[name].shape))
    net.resizeSession(session)
    for name, tensor in inputs.items():
        x = np.ascontiguousarray(feeds[name])
        kind = MNN.Halide_Type_Int if x.dtype == np.int32 else MNN.Halide_Type_Float
        nhwc = tensor.getDimensionType() == MNN.Tensor_DimensionType_Tensorflow
        layout = MNN.Tensor_DimensionType_Tensorflow if nhwc else MNN.Tensor_DimensionType_Caffe
        tensor.copyFrom(MNN.Tensor(tuple(x.shape), kind, x, layout))
    ran = {}

    def count(_, info):
        ran[info.getType()] = ran.get(info.getType(), 0) + 1
        return True

    code = net.runSessionWithCallBackInfo(session, lambda t, i: True, count)
    if not ran or code not in (0, None, True):
        raise SystemExit(f'{model}: MNN could not run it (code {code})')
    outputs = {}
    for name, tensor in net.getSessionOutputAll(session).items():
        shape = tensor.getShape()
        whole = tensor.getDataType() == MNN.Halide_Type_Int
        host = np.full(shape, 0, np.int32) if whole else np.full(shape, np.nan, np.float32)
        kind = MNN.Halide_Type_Int if whole else MNN.Halide_Type_Float
        nhwc = tensor.getDimensionType() == MNN.Tensor_DimensionType_Tensorflow
        layout = MNN.Tensor_DimensionType_Tensorflow if nhwc else MNN.Tensor_DimensionType_Caffe
        copy = MNN.Tensor(tuple(shape), kind, host, layout)
        tensor.copyToHostTensor(copy)
        outputs[name] = np.array(copy.getNumpyData()).reshape(shape)
    return outputs, ran


if __name__ == '__main__':
    report = []
    for job in json.load(open(sys.argv[1])):
        outputs, ran = run(job['model'], dict(np.load(job['inputs'])))
        np.savez(job['outputs'], **outputs)
        report.append(ran)
    print('\n' + json.dumps(report))
