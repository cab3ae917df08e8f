"""Writes OpenVINO models into a folder, and what the runtime computes of each on random inputs in float32:

    python openvino-models.py FOLDER MODELS

MODELS is ../shared/data. For each NAME.xml there is NAME.npz with arrays `in NAME` and `out NAME`.
"""
import pathlib
import sys

import numpy as np
import openvino as ov
from openvino import opset13 as op

folder, models = map(pathlib.Path, sys.argv[1:3])
rng = np.random.default_rng(0)
core = ov.Core()
# Weights of few bits would have their activations rounded too.
exact = {'INFERENCE_PRECISION_HINT': 'f32', 'DYNAMIC_QUANTIZATION_GROUP_SIZE': 0, 'INFERENCE_NUM_THREADS': 1}


def save(name, model, shapes=None, half=False):
    path = folder / f'{name}.xml'
    if isinstance(model, pathlib.Path):
        path.write_bytes(model.read_bytes())
        path.with_suffix('.bin').write_bytes(model.with_suffix('.bin').read_bytes())
    else:
        ov.save_model(model, path, compress_to_fp16=half)
    read = core.read_model(path)
    feeds = {}
    for i, port in enumerate(read.inputs):
        shape = (shapes or {}).get(i) or [d.get_length() if d.is_static else 2 for d in port.get_partial_shape()]
        dtype = port.get_element_type().to_dtype()
        real = np.issubdtype(dtype, np.floating)
        feeds[port.get_any_name()] = (rng.standard_normal(shape) if real else rng.integers(0, 3, shape)).astype(dtype)
    compiled = core.compile_model(read, 'CPU', exact)
    result = compiled(feeds)
    outputs = {f'out {min(port.get_names())}': result[port] for port in compiled.outputs}
    np.savez(folder / f'{name}.npz', **{f'in {name}': value for name, value in feeds.items()}, **outputs)


def source(name, shape, dtype=np.float32):
    node = op.parameter(shape, dtype, name=name)
    node.output(0).set_names({name})
    return node


def const(values, dtype=np.float32):
    return ov.op.Constant(np.array(values, dtype))


def model(name, inputs, **outputs):
    ports = {key: node if isinstance(node, ov.Output) else node.output(0) for key, node in outputs.items()}
    for key, port in ports.items():
        port.set_names({key})
    save(name, ov.Model(list(ports.values()), inputs))


def packed(values, kind):
    """Codes as a constant of 8 or 4 bits."""
    if kind in ('i8', 'u8'):
        return const(values, np.int8 if kind == 'i8' else np.uint8)
    codes = values.astype(np.int64).ravel() & 15
    data = (codes[0::2] | (codes[1::2] << 4)).astype(np.uint8)
    return ov.op.Constant(ov.Tensor(data, ov.Shape(list(values.shape)), ov.Type.i4 if kind == 'i4' else ov.Type.u4))


def compressed(name, kind, block=None, half=False):
    n, k = 24, 64
    bits = int(kind[1:])
    w = rng.standard_normal((n, k // block, block) if block else (n, k))
    real = np.float16 if half else np.float32
    if kind[0] == 'i':
        scale = np.abs(w).max(-1, keepdims=True) / (2 ** (bits - 1) - 1)
        x = op.convert(packed(np.round(w / scale), kind), real)
    else:
        low, high = w.min(-1, keepdims=True), w.max(-1, keepdims=True)
        scale = (high - low) / (2**bits - 1)
        zero = np.round(-low / scale)
        codes = op.convert(packed(np.clip(np.round(w / scale) + zero, 0, 2**bits - 1), kind), real)
        x = op.subtract(codes, op.convert(packed(zero, kind), real))
    x = op.multiply(x, const(scale, real))
    if block:
        x = op.reshape(x, const([n, k], np.int64), False)
    if half:
        x = op.convert(x, np.float32)
    a = source('x', [-1, k])
    model(name, [a], y=op.matmul(a, x, False, True))


def quantized(x, *bounds, levels=256):
    return op.fake_quantize(x, *map(const, bounds), levels)


save('resnet8', models / 'formats/resnet8_openvino.xml')
for name in ['cifar10_resnet20', 'mlperf_kws', 'imagenet_mobilenet_v1_0.25_128_deq', 'ultraface_rfb320']:
    save(name, ov.convert_model(models / f'onnx/{name}.onnx'))
save('ppocrv4_rec', ov.convert_model(models / 'onnx/ppocrv4_rec.onnx'), {0: [1, 3, 48, 160]}, half=True)

compressed('weights i8', 'i8')
compressed('weights u8', 'u8', half=True)
compressed('weights i4', 'i4')
compressed('weights i4 blocks', 'i4', 16)
compressed('weights u4 blocks', 'u4', 16, half=True)

x = source('x', [-1, 8, 9, 9])
step = rng.uniform(0.01, 0.05, (8, 1, 1))
model('levels u8', [x], y=quantized(x, 0, 1.9921875, 0, 1.9921875))
model('levels i8 channels', [x], y=quantized(x, -128 * step, 127 * step, -128 * step, 127 * step))
model('levels 255', [x], y=quantized(x, -2, 2, -2, 2, levels=255))
model('levels 16', [x], y=quantized(x, -0.8, 0.7, -1.6, 1.4, levels=16))
model('levels without zero', [x], y=quantized(x, -1.03, 2.2, 0.5, 2.5))
scale = const(rng.uniform(0.01, 0.03, (4, 2, 1, 1, 1)))
w = op.multiply(op.convert(const(rng.integers(-127, 128, (4, 2, 2, 3, 3)), np.int8), np.float32), scale)
model('groups i8', [x], y=op.group_convolution(x, w, [2, 1], [1, 1], [1, 0], [1, 1]))

x = source('x', [2, 5, 7])
zeros = const(np.zeros((2, 2, 4)))
lengths = const([5, 5], np.int32)


def gates(count, width=None):
    shape = (2, count * 4) if width is None else (2, count * 4, width)
    return const(0.3 * rng.standard_normal(shape))


lstm = op.lstm_sequence(x, zeros, zeros, lengths, gates(4, 7), gates(4, 4), gates(4), 4, 'bidirectional')
model('lstm', [x], y=lstm.output(0), h=lstm.output(1), c=lstm.output(2))
gru = op.gru_sequence(x, zeros, lengths, gates(3, 7), gates(3, 4), gates(4), 4, 'bidirectional', linear_before_reset=True)
model('gru', [x], y=gru.output(0), h=gru.output(1))

x = source('x', [2, 6, 8, 8])
i = source('i', [2, 4], np.int64)
whole = lambda values: const(values, np.int64)
parts = op.variadic_split(x, whole(1), whole([2, -1]))
top = op.topk(x, whole(3), -1, 'max', 'value')
model(
    'operators',
    [x, i],
    slice=op.strided_slice(x, whole([0, 1, 0, 7]), whole([2, 2, 0, 0]), whole([1, 1, 2, -2]), [1, 0, 0, 0], [0, 0, 1, 0], [0] * 4, [0, 1, 0, 0], [0] * 4),
    grown=op.interpolate(x, whole([12, 5]), 'linear_onnx', 'sizes', coordinate_transformation_mode='half_pixel', axes=whole([2, 3])),
    first=parts.output(0),
    rest=parts.output(1),
    largest=top.output(0),
    places=top.output(1),
    picked=op.gather(x, i, whole(1), 0),
    padded=op.pad(x, whole([0, 0, 1, 2]), whole([0, 0, 0, 1]), 'reflect'),
    pooled=op.avg_pool(x, [2, 2], [1, 1], [1, 1], [3, 3], True, 'floor', 'explicit'),
    norm=op.mvn(x, whole([2, 3]), True, 1e-5, 'inside_sqrt'),
    unit=op.normalize_l2(x, whole([1]), 1e-6, 'max'),
    divided=op.divide(op.subtract(i, const(5, np.int64)), const(2, np.int64)),
    hot=op.one_hot(i, const(4, np.int64), const(1.0), const(-1.0), 1),
    attention=op.scaled_dot_product_attention(x, x, x, causal=True),
    clipped=op.clamp(op.swish(x), -0.25, 1.5),
)
