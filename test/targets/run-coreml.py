"""Reads Core ML packages with coremltools, which types every operation, and computes their programs on inputs:

    python run-coreml.py FOLDER...

Each folder has model.mlpackage and inputs.npz; it gets outputs.npz and ran.json, the number of operations by type, the version of the
specification and what the model says of its inputs. Operations whose meaning coremltools itself has as code (those that it folds where
all is constant, and all that unpack weights) are computed by that code; convolutions, pools, norms and matrix products by NumPy here, in
the float16 or float32 that the program says.
"""
import collections
import json
import logging
import pathlib
import sys

logging.disable(logging.WARNING)
import numpy as np
import coremltools as ct
from coremltools.converters.mil.frontend.milproto.load import load
from coremltools.converters.mil.mil import Builder as mb
from coremltools.converters.mil.mil import Function, types


def windows(x, kernel, strides, dilations, pads, fill):
    """[N, C, out..., kernel...]"""
    spatial = len(kernel)
    x = np.pad(x, [(0, 0), (0, 0)] + [tuple(pads[2 * i : 2 * i + 2]) for i in range(spatial)], constant_values=fill)
    span = [(k - 1) * d + 1 for k, d in zip(kernel, dilations)]
    seen = np.lib.stride_tricks.sliding_window_view(x, span, tuple(range(2, 2 + spatial)))
    at = [slice(None)] * 2 + [slice(None, None, s) for s in strides] + [slice(None, None, d) for d in dilations]
    return seen[tuple(at)]


def conv(a):
    x, w = a['x'].astype(np.float64), a['weight'].astype(np.float64)
    kernel, groups, spatial = w.shape[2:], int(a['groups']), w.ndim - 2
    seen = windows(x, kernel, a['strides'], a['dilations'], a['pad'], 0)
    n, c = x.shape[:2]
    out = seen.shape[2 : 2 + spatial]
    seen = seen.reshape(n, groups, c // groups, *out, *kernel)
    w = w.reshape(groups, w.shape[0] // groups, *w.shape[1:])
    letters = 'xyz'[:spatial], 'ijk'[:spatial]
    y = np.einsum(f'ngc{letters[0]}{letters[1]},goc{letters[1]}->ngo{letters[0]}', seen, w, optimize=True)
    return biased(y.reshape(n, -1, *out), a)


def biased(y, a):
    bias = a.get('bias')
    return y if bias is None else y + bias.reshape(1, -1, *[1] * (y.ndim - 2))


def conv_transpose(a):
    x, w = a['x'].astype(np.float64), a['weight'].astype(np.float64)
    groups, strides, dilations, pad = int(a['groups']), a['strides'], a['dilations'], a['pad']
    spatial, n, per = w.ndim - 2, x.shape[0], w.shape[1]
    size = [(x.shape[2 + i] - 1) * strides[i] + (w.shape[2 + i] - 1) * dilations[i] + 1 for i in range(spatial)]
    y = np.zeros((n, groups * per, *size))
    for place in np.ndindex(*w.shape[2:]):
        kernel = w[(slice(None), slice(None), *place)].reshape(groups, -1, per)
        part = np.einsum('ngc...,gco->ngo...', x.reshape(n, groups, -1, *x.shape[2:]), kernel)
        at = tuple(
            slice(p * d, p * d + (x.shape[2 + i] - 1) * s + 1, s)
            for i, (p, d, s) in enumerate(zip(place, dilations, strides))
        )
        y[(slice(None), slice(None), *at)] += part.reshape(n, groups * per, *x.shape[2:])
    cut = tuple(slice(pad[2 * i], size[i] - pad[2 * i + 1]) for i in range(spatial))
    return biased(y[(slice(None), slice(None), *cut)], a)


def pool(a, kind):
    kernel = list(a['kernel_sizes'])
    ones = [1] * len(kernel)
    axes = tuple(range(-len(kernel), 0))
    strides, pad = a['strides'], a['pad']
    if kind == 'max':
        return windows(a['x'], kernel, strides, ones, pad, -np.inf).max(axes)
    total = windows(a['x'].astype(np.float64), kernel, strides, ones, pad, 0).sum(axes)
    counted = np.ones_like(a['x'], np.float64)
    count = windows(counted, kernel, strides, ones, pad, 0).sum(axes) if a['exclude_padding_from_average'] else np.prod(kernel)
    return total / count


def normal(x, axes, epsilon):
    x = x.astype(np.float64)
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon)


def channels(v, rank):
    return v.astype(np.float64).reshape(1, -1, *[1] * (rank - 2))


def batch_norm(a):
    c = lambda name: channels(a[name], a['x'].ndim)
    return (a['x'] - c('mean')) / np.sqrt(c('variance') + a['epsilon']) * c('gamma') + c('beta')


def layer_norm(a):
    y = normal(a['x'], tuple(a['axes']), a['epsilon']) * a['gamma']
    return y if a.get('beta') is None else y + a['beta']


def instance_norm(a):
    rank = a['x'].ndim
    return normal(a['x'], tuple(range(2, rank)), a['epsilon']) * channels(a['gamma'], rank) + channels(a['beta'], rank)


def local_response_norm(a):
    x, size = a['x'].astype(np.float64), int(a['size'])
    c = x.shape[1]
    total = np.stack([(x[:, max(0, i - size // 2) : i + (size - 1) // 2 + 1] ** 2).sum(1) for i in range(c)], 1)
    return x / (a['k'] + a['alpha'] / size * total) ** a['beta']


def resize_bilinear(a):
    x = a['x'].astype(np.float64)
    for axis, to in ((-2, int(a['target_size_height'])), (-1, int(a['target_size_width']))):
        size, i = x.shape[axis], np.arange(to)
        at = {
            'UNALIGN_CORNERS': lambda: i * (size / to) + 0.5 * (size / to) - 0.5,
            'STRICT_ALIGN_CORNERS': lambda: i * ((size - 1) / (to - 1)),
            'DEFAULT': lambda: i * ((size - size / to) / (to - 1)),
        }[str(a['sampling_mode'])]()
        at = np.clip(at, 0, size - 1)
        low = np.floor(at).astype(int)
        share = (at - low).reshape([-1 if k == axis % x.ndim else 1 for k in range(x.ndim)])
        x = np.take(x, low, axis) * (1 - share) + np.take(x, np.minimum(low + 1, size - 1), axis) * share
    return x


def upsample(a):
    return a['x'].repeat(int(a['scale_factor_height']), -2).repeat(int(a['scale_factor_width']), -1)


def gelu(a):
    x = a['x'].astype(np.float64)
    if str(a['mode']) == 'EXACT':
        from math import erf

        return 0.5 * x * (1 + np.vectorize(erf)(x / np.sqrt(2)))
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def shuffled(a, perm, block, deep):
    n, c, h, w = a['x'].shape
    if deep:
        y = a['x'].reshape(n, *((block, block, c // block**2) if perm == 'blocks' else (c // block**2, block, block)), h, w)
        order = (0, 3, 4, 1, 5, 2) if perm == 'blocks' else (0, 1, 4, 2, 5, 3)
        return y.transpose(order).reshape(n, c // block**2, h * block, w * block)
    y = a['x'].reshape(n, c, h // block, block, w // block, block)
    return y.transpose(0, 3, 5, 1, 2, 4).reshape(n, c * block**2, h // block, w // block)


def pad_all(a):
    sides = np.reshape(a['pad'], (-1, 2))
    whole = [(0, 0)] * (a['x'].ndim - len(sides)) + [tuple(s) for s in sides]
    mode = {'constant': 'constant', 'reflect': 'reflect', 'replicate': 'edge'}[str(a['mode'])]
    return np.pad(a['x'], whole, mode, **({'constant_values': a['constant_val']} if mode == 'constant' else {}))


def topk(a):
    axis, k = int(a['axis']), int(a['k'])
    order = np.argsort(a['x'] if a['ascending'] else -a['x'], axis, kind='stable').take(np.arange(k), axis)
    return [np.take_along_axis(a['x'], order, axis), order.astype(np.int32)]


own = {
    'conv': conv,
    'conv_transpose': conv_transpose,
    'max_pool': lambda a: pool(a, 'max'),
    'avg_pool': lambda a: pool(a, 'avg'),
    'batch_norm': batch_norm,
    'layer_norm': layer_norm,
    'instance_norm': instance_norm,
    'local_response_norm': local_response_norm,
    'resize_bilinear': resize_bilinear,
    'upsample_nearest_neighbor': upsample,
    'gelu': gelu,
    'depth_to_space': lambda a: shuffled(a, 'blocks', int(a['block_size']), True),
    'pixel_shuffle': lambda a: shuffled(a, 'channels', int(a['upscale_factor']), True),
    'space_to_depth': lambda a: shuffled(a, 'blocks', int(a['block_size']), False),
    'pad': pad_all,
    'topk': topk,
    'linear': lambda a: a['x'].astype(np.float64) @ a['weight'].astype(np.float64).T
    + (0 if a.get('bias') is None else a['bias']),
    'matmul': lambda a: (np.swapaxes(a['x'], -1, -2) if a['transpose_x'] else a['x']).astype(np.float64)
    @ (np.swapaxes(a['y'], -1, -2) if a['transpose_y'] else a['y']).astype(np.float64),
    'prelu': lambda a: np.where(a['x'] >= 0, a['x'], a['x'] * channels(a['alpha'], a['x'].ndim)),
    'cumsum': lambda a: summed(a),
    'softsign': lambda a: a['x'] / (1 + np.abs(a['x'])),
    'gather_nd': lambda a: gather_nd(a),
    'dequantize': lambda a: dequantized(a),
    'reduce_log_sum_exp': lambda a: log_sum(a),
    # Newer NumPy does not take the truth value that coremltools passes.
    'reduce_mean': lambda a: a['x'].astype(np.float64).mean(tuple(a['axes']), keepdims=bool(a['keep_dims'])),
    'reduce_sum': lambda a: a['x'].astype(np.float64).sum(tuple(a['axes']), keepdims=bool(a['keep_dims'])),
    'reduce_max': lambda a: a['x'].max(tuple(a['axes']), keepdims=bool(a['keep_dims'])),
    'reduce_min': lambda a: a['x'].min(tuple(a['axes']), keepdims=bool(a['keep_dims'])),
    'clip': lambda a: np.clip(a['x'], a['alpha'], a['beta']),
}


def dequantized(a):
    assert a.get('axis') is None
    return (a['input'].astype(np.float64) - a['zero_point'].astype(np.float64)) * a['scale']


def log_sum(a):
    x, axes = a['x'].astype(np.float64), tuple(a['axes'])
    most = x.max(axes, keepdims=True)
    y = np.log(np.exp(x - most).sum(axes, keepdims=True)) + most
    return y if a['keep_dims'] else y.squeeze(axes)


def summed(a):
    axis = int(a['axis'])
    x = np.flip(a['x'], axis) if a['reverse'] else a['x']
    y = np.cumsum(x, axis)
    if a['exclusive']:
        y = y - x
    return np.flip(y, axis) if a['reverse'] else y


def gather_nd(a):
    batch, x, indices = int(a['batch_dims']), a['x'], a['indices']
    if batch > 0:
        each = [gather_nd({'batch_dims': batch - 1, 'x': p, 'indices': q}) for p, q in zip(x, indices)]
        return np.stack(each)
    return x[tuple(np.moveaxis(indices, -1, 0))]


def folded(op, arguments, version):
    """What coremltools makes of an operation whose inputs are all constant; null where it does not compute it."""
    with Function({}, opset_version=version):
        given = {k: (list(v) if isinstance(v, list) else v) for k, v in arguments.items()}
        outputs = getattr(mb, op.op_type)(**given)
        outputs = outputs if isinstance(outputs, (tuple, list)) else [outputs]
        values = [o.val for o in outputs]
    return None if any(v is None for v in values) else [np.asarray(v) for v in values]


def value(v, env):
    if isinstance(v, (list, tuple)):
        return [value(q, env) for q in v]
    return env[v.name] if v.name in env else v.val


def computed(function, feeds, version):
    env = dict(feeds)
    for op in function.operations:
        if op.op_type == 'const':
            continue
        if op.op_type.startswith('constexpr_'):
            results = [np.asarray(op.materialized_val_inference())]
        else:
            a = {k: value(v, env) for k, v in op.inputs.items() if v is not None}
            if op.op_type in own:
                results = own[op.op_type](a)
                results = results if isinstance(results, list) else [results]
            else:
                results = folded(op, a, version)
                if results is None:
                    raise SystemExit(f'{op.op_type} is not computed here')
        for out, result in zip(op.outputs, results):
            dtype = types.nptype_from_builtin(out.dtype)
            assert tuple(out.shape) == result.shape, (op.op_type, out.name, out.shape, result.shape)
            with np.errstate(over='ignore'):
                env[out.name] = result.astype(dtype)
    return {o.name: env[o.name] for o in function.outputs}


def described(feature):
    kind = feature.type.WhichOneof('Type')
    of = getattr(feature.type, kind)
    if kind == 'imageType':
        return {'image': of.ImageFeatureType.ColorSpace.Name(of.colorSpace) if hasattr(of, 'ImageFeatureType') else int(of.colorSpace), 'size': [of.height, of.width]}
    return {'shape': list(of.shape), 'dtype': int(of.dataType)}


for folder in map(pathlib.Path, sys.argv[1:]):
    package = ct.models.MLModel(str(folder / 'model.mlpackage'), skip_model_load=True)
    spec = package.get_spec()
    program = load(spec, spec.specificationVersion, package.weights_dir)
    function = program.functions['main']
    target = function.opset_version
    inputs = dict(np.load(folder / 'inputs.npz'))
    types_of = {name: types.nptype_from_builtin(v.dtype) for name, v in function.inputs.items()}
    batch = {name: v.shape[0] for name, v in function.inputs.items()}
    # Samples are the first axis; the program takes so many at a time.
    count = max(len(v) // batch[k] for k, v in inputs.items())
    part = lambda k, v, i: v[i * batch[k] : (i + 1) * batch[k]].astype(types_of[k])
    runs = [computed(function, {k: part(k, v, i) for k, v in inputs.items()}, target) for i in range(count)]
    outputs = {k: np.concatenate([run[k] for run in runs]) for k in runs[0]}
    np.savez(folder / 'outputs.npz', **outputs)
    said = {
        'specification': spec.specificationVersion,
        'inputs': {f.name: described(f) for f in spec.description.input},
        'outputs': {f.name: described(f) for f in spec.description.output},
        'operations': dict(collections.Counter(op.op_type for op in function.operations)),
    }
    (folder / 'ran.json').write_text(json.dumps(said))
