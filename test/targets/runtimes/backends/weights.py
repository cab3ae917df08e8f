"""GGUF and safetensors: every tensor, read by the format's own reader and written dequantised to float32, to be compared with the source
model's weights. --opt format=gguf|safetensors"""
import collections, json
import numpy as np


def gguf_tensors(path):
    import gguf
    from importlib import metadata
    found = collections.OrderedDict()
    for t in gguf.GGUFReader(path).tensors:
        a = gguf.quants.dequantize(t.data, t.tensor_type).astype(np.float32)
        found[t.name] = a.reshape([int(v) for v in reversed(t.shape)])
    return found, 'gguf ' + metadata.version('gguf')


def safetensors_tensors(path):
    import safetensors
    found = collections.OrderedDict()
    with safetensors.safe_open(path, framework='np') as f:
        axes = json.loads((f.metadata() or {}).get('quantization', '{}'))
        all_ = dict((k, f.get_tensor(k)) for k in f.keys())
    for k, a in all_.items():
        n, _, kind = k.rpartition('.')
        if n in axes and kind in ('qweight', 'codes'):      # real = (code - zero point) * scale, along an axis
            shape = [1] * a.ndim
            s = all_[n + '.scale']
            if s.size > 1:
                shape[axes[n]['axis']] = -1
            z = all_[n + '.zero_point'].astype(np.float32).reshape(shape) if n + '.zero_point' in all_ else 0
            found[n] = (a.astype(np.float32) - z) * s.astype(np.float32).reshape(shape)
        elif not (n in axes and kind in ('scale', 'zero_point')):
            found[k] = a.astype(np.float32)
    return found, 'safetensors ' + safetensors.__version__


class Runner(object):
    def __init__(self, b):
        if b.opts['format'] == 'gguf':
            self.read, self.runtime = gguf_tensors(b.file('model', '.gguf'))
        else:
            self.read, self.runtime = safetensors_tensors(b.file('model', '.safetensors'))

    def tensors(self):
        return self.read


def load(b):
    return Runner(b)
