"""Runs QDQ layers (JSON of dump.ts) in LiteRT's reference kernels or in TFLite Micro, whichever is installed here:

    python run-tflite.py layers.json results.json

Each layer becomes a .tflite of its one operator, as an exporter would write it: NHWC, explicit padding as PAD. Results are codes in
the layout of the layer, or the runtime's words where it refuses.
"""
import json
import sys

import flatbuffers
import numpy as np

try:
    from ai_edge_litert import interpreter as litert
    from ai_edge_litert import schema_py_generated as fb
    NAME = 'litert'
except ImportError:
    from tflite_micro.python.tflite_micro import runtime
    from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as fb
    NAME = 'tflm'

TYPES = {'int8': fb.TensorType.INT8, 'int16': fb.TensorType.INT16, 'int32': fb.TensorType.INT32, 'int64': fb.TensorType.INT64}


class Builder:
    def __init__(self):
        self.tensors, self.buffers, self.operators, self.codes = [], [fb.BufferT()], [], []
        self.inputs = []

    def tensor(self, shape, dtype, scale=None, zero=None, axis=0, data=None):
        t = fb.TensorT()
        t.shape, t.type, t.name = [int(d) for d in shape], TYPES[dtype], 't%d' % len(self.tensors)
        t.buffer = 0
        if data is not None:
            buffer = fb.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
            self.buffers.append(buffer)
            t.buffer = len(self.buffers) - 1
        if scale is not None:
            q = fb.QuantizationParametersT()
            q.scale = [float(s) for s in scale]
            q.zeroPoint = [int(z) for z in zero]
            q.quantizedDimension = axis
            t.quantization = q
        self.tensors.append(t)
        return len(self.tensors) - 1

    def shape(self, t):
        return self.tensors[t].shape

    def operator(self, code, kind, options, inputs, output):
        if code not in self.codes:
            self.codes.append(code)
        op = fb.OperatorT()
        op.opcodeIndex, op.inputs, op.outputs = self.codes.index(code), inputs, [output]
        op.builtinOptionsType, op.builtinOptions = kind, options
        self.operators.append(op)
        return output

    def bytes(self, outputs):
        graph = fb.SubGraphT()
        graph.tensors, graph.operators, graph.inputs, graph.outputs = self.tensors, self.operators, self.inputs, outputs
        model = fb.ModelT()
        model.version, model.subgraphs, model.buffers = 3, [graph], self.buffers
        model.operatorCodes = []
        for code in self.codes:
            c = fb.OperatorCodeT()
            c.builtinCode, c.deprecatedBuiltinCode, c.version = code, min(code, 127), 1
            model.operatorCodes.append(c)
        b = flatbuffers.Builder(1024)
        b.Finish(model.Pack(b), b'TFL3')
        return bytes(b.Output())


def array(c):
    return np.array(c['data'], np.dtype(c['dtype'])).reshape(c['shape'])


def to_nhwc(x):
    if x.ndim == 3:
        x = x[:, :, None, :]
    return np.ascontiguousarray(np.transpose(x, (0, 2, 3, 1)))


class Layer:
    def __init__(self, layer):
        self.constants = {k: array(v) for k, v in layer['constants'].items()}
        self.feeds = {k: array(v) for k, v in layer['feeds'].items()}
        self.b = Builder()
        self.fed = []
        self.params, self.activation, self.node = {}, 'NONE', None
        for n in layer['nodes']:
            if n['op'] == 'DequantizeLinear':
                self.params[n['outputs'][0]] = (n['inputs'][0], *self.scales(n), n['attrs'].get('axis', 1))
            elif n['op'] == 'QuantizeLinear':
                self.out = self.scales(n)
            elif self.node is None:
                self.node = n
            else:
                self.activation = 'RELU6' if n['op'] == 'Clip' else 'RELU'

    def scales(self, n):
        return np.atleast_1d(self.constants[n['inputs'][1]]), np.atleast_1d(self.constants[n['inputs'][2]])

    def input(self, name, change=lambda x: x):
        codes, scale, zero, _ = self.params[name]
        if codes in self.constants:
            x = change(self.constants[codes])
            return self.b.tensor(x.shape, x.dtype.name, scale, zero, 0, x)
        x = change(self.feeds[codes])
        t = self.b.tensor(x.shape, x.dtype.name, scale, zero)
        self.b.inputs.append(t)
        self.fed.append(x)
        return t

    def constant(self, name, change=lambda x: x, axis=0):
        codes, scale, zero, _ = self.params[name]
        x = change(self.constants[codes])
        if x.dtype == np.int32 and self.out[1].dtype == np.int16:
            x = x.astype(np.int64)
        return self.b.tensor(x.shape, x.dtype.name, scale, np.zeros(len(scale)), axis, x)

    def output(self, shape):
        scale, zero = self.out
        return self.b.tensor(shape, zero.dtype.name, scale, zero)

    def pad(self, t, pads):
        if not any(pads):
            return t
        half = len(pads) // 2
        pads = ([0] if half == 1 else []) + list(pads[:half]) + ([0] if half == 1 else []) + list(pads[half:])
        table = np.array([[0, 0], [pads[0], pads[2]], [pads[1], pads[3]], [0, 0]], np.int32)
        old = self.b.tensors[t]
        shape = [d + a + z for d, (a, z) in zip(old.shape, table)]
        q = old.quantization
        out = self.b.tensor(shape, 'int16' if old.type == fb.TensorType.INT16 else 'int8', q.scale, q.zeroPoint)
        paddings = self.b.tensor([4, 2], 'int32', data=table)
        return self.b.operator(fb.BuiltinOperator.PAD, fb.BuiltinOptions.PadOptions, fb.PadOptionsT(), [t, paddings], out)

    def fused(self):
        return getattr(fb.ActivationFunctionType, self.activation)

    def build(self):
        """Bytes, feeds, and how to turn the result back."""
        if self.node is None:  # a pair straight into a pair
            name = next(iter(self.params))
            x = self.input(name)
            y = self.output(self.b.shape(x))
            self.b.operator(fb.BuiltinOperator.QUANTIZE, fb.BuiltinOptions.QuantizeOptions, fb.QuantizeOptionsT(), [x], y)
            back = lambda r: r
        else:
            y, back = getattr(self, {'Pad': 'pad_'}.get(self.node['op'], self.node['op'].lower()))(self.node, self.node['attrs'])
        return self.b.bytes([y]), self.fed, back

    def windows(self, n, a, options):
        rank = len(a['kernel_shape'])
        two = lambda v: ([1] if rank == 1 else []) + list(v)
        options.strideH, options.strideW = two(a.get('strides', [1] * rank))
        return two

    def conv(self, n, a):
        x = self.pad(self.input(n['inputs'][0], to_nhwc), a.get('pads', [0, 0]))
        rank = len(a['kernel_shape'])
        codes, scale = self.params[n['inputs'][1]][:2]
        w = self.constants[codes]
        depthwise = a['group'] > 1 and w.shape[1] == 1
        four = (lambda w: w[:, :, None, :]) if rank == 1 else (lambda w: w)
        if depthwise:
            options, change, axis = fb.DepthwiseConv2DOptionsT(), lambda w: np.transpose(four(w), (1, 2, 3, 0)), 3
            options.depthMultiplier = w.shape[0] // a['group']
            code, kind = fb.BuiltinOperator.DEPTHWISE_CONV_2D, fb.BuiltinOptions.DepthwiseConv2DOptions
        else:
            options, change, axis = fb.Conv2DOptionsT(), lambda w: np.transpose(four(w), (0, 2, 3, 1)), 0
            code, kind = fb.BuiltinOperator.CONV_2D, fb.BuiltinOptions.Conv2DOptions
        two = self.windows(n, a, options)
        options.padding, options.fusedActivationFunction = fb.Padding.VALID, self.fused()
        options.dilationHFactor, options.dilationWFactor = two(a.get('dilations', [1] * rank))
        filters = self.constant(n['inputs'][1], change, axis)
        bias = self.bias(n, w.shape[0])
        kernel, strides, dilations = two(a['kernel_shape']), [options.strideH, options.strideW], two(a.get('dilations', [1] * rank))
        size = [(d - (k - 1) * e - 1) // s + 1 for d, k, e, s in zip(self.b.shape(x)[1:3], kernel, dilations, strides)]
        y = self.output([self.b.shape(x)[0], *size, w.shape[0]])
        self.b.operator(code, kind, options, [x, filters, bias], y)
        return y, self.from_nhwc(rank)

    def bias(self, n, channels):
        if len(n['inputs']) > 2:
            return self.constant(n['inputs'][2])
        scale = self.params[n['inputs'][0]][1] * self.params[n['inputs'][1]][1]
        kind = 'int64' if self.out[1].dtype == np.int16 else 'int32'
        return self.b.tensor([channels], kind, scale, [0] * len(scale), 0, np.zeros(channels, kind))

    def from_nhwc(self, rank):
        def back(r):
            r = np.transpose(r, (0, 3, 1, 2))
            return r[:, :, 0, :] if rank == 1 else r
        return back

    def dense(self, n, change, bias):
        x = self.input(n['inputs'][0])
        w = self.constant(n['inputs'][1], change)
        options = fb.FullyConnectedOptionsT()
        options.fusedActivationFunction, options.keepNumDims = self.fused(), len(self.b.shape(x)) > 2
        y = self.output([*self.b.shape(x)[:-1], self.b.shape(w)[0]])
        self.b.operator(fb.BuiltinOperator.FULLY_CONNECTED, fb.BuiltinOptions.FullyConnectedOptions, options, [x, w, bias], y)
        return y, lambda r: r

    def gemm(self, n, a):
        change = (lambda w: w) if a.get('transB') else (lambda w: np.ascontiguousarray(w.T))
        channels = change(self.constants[self.params[n['inputs'][1]][0]]).shape[0]
        return self.dense(n, change, self.bias(n, channels))

    def matmul(self, n, a):
        if self.params[n['inputs'][1]][0] in self.constants:
            change = lambda w: np.ascontiguousarray(w.T)
            return self.dense(n, change, self.bias(n, self.constants[self.params[n['inputs'][1]][0]].shape[1]))
        x, w = self.input(n['inputs'][0]), self.input(n['inputs'][1])
        p, q = self.b.shape(x), self.b.shape(w)
        y = self.output([*np.broadcast_shapes(p[:-2], q[:-2]), p[-2], q[-1]])
        self.b.operator(fb.BuiltinOperator.BATCH_MATMUL, fb.BuiltinOptions.BatchMatMulOptions, fb.BatchMatMulOptionsT(), [x, w], y)
        return y, lambda r: r

    def binary(self, n, name):
        x, w = self.input(n['inputs'][0]), self.input(n['inputs'][1])
        if name in ('Add', 'Sub'):
            options = getattr(fb, name + 'OptionsT')()
        else:
            options = fb.MulOptionsT()
        options.fusedActivationFunction = self.fused()
        y = self.output(np.broadcast_shapes(self.b.shape(x), self.b.shape(w)))
        self.b.operator(getattr(fb.BuiltinOperator, name.upper()), getattr(fb.BuiltinOptions, name + 'Options'), options, [x, w], y)
        return y, lambda r: r

    def add(self, n, a):
        return self.binary(n, 'Add')

    def sub(self, n, a):
        return self.binary(n, 'Sub')

    def mul(self, n, a):
        return self.binary(n, 'Mul')

    def concat(self, n, a):
        parts = []
        scale, zero = self.out
        for name in n['inputs']:
            t = self.input(name)
            _, s, z, _ = self.params[name]
            if s[0] != scale[0] or z[0] != zero[0]:
                to = self.output(self.b.shape(t))
                self.b.operator(fb.BuiltinOperator.QUANTIZE, fb.BuiltinOptions.QuantizeOptions, fb.QuantizeOptionsT(), [t], to)
                t = to
            parts.append(t)
        shape = list(self.b.shape(parts[0]))
        shape[a['axis']] = sum(self.b.shape(t)[a['axis']] for t in parts)
        options = fb.ConcatenationOptionsT()
        options.axis = a['axis']
        y = self.output(shape)
        self.b.operator(fb.BuiltinOperator.CONCATENATION, fb.BuiltinOptions.ConcatenationOptions, options, parts, y)
        return y, lambda r: r

    def pool(self, n, a, code, x=None):
        x = self.input(n['inputs'][0], to_nhwc) if x is None else x
        options = fb.Pool2DOptionsT()
        rank = len(a['kernel_shape'])
        two = self.windows(n, a, options)
        kernel = two(a['kernel_shape'])
        options.filterHeight, options.filterWidth = kernel
        same = a.get('auto_pad') == 'SAME_UPPER'
        options.padding, options.fusedActivationFunction = (fb.Padding.SAME if same else fb.Padding.VALID), self.fused()
        count = (lambda d, k, s: -(-d // s)) if same else (lambda d, k, s: (d - k) // s + 1)
        size = [count(d, k, s) for d, k, s in zip(self.b.shape(x)[1:3], kernel, [options.strideH, options.strideW])]
        y = self.output([self.b.shape(x)[0], *size, self.b.shape(x)[3]])
        self.b.operator(code, fb.BuiltinOptions.Pool2DOptions, options, [x], y)
        return y, self.from_nhwc(rank)

    def maxpool(self, n, a):
        return self.pool(n, a, fb.BuiltinOperator.MAX_POOL_2D)

    def averagepool(self, n, a):
        return self.pool(n, a, fb.BuiltinOperator.AVERAGE_POOL_2D)

    def mean(self, x, axes, keep):
        options = fb.ReducerOptionsT()
        options.keepDims = keep
        shape = self.b.shape(x)
        axes = [a % len(shape) for a in axes]
        y = self.output([1 if i in axes else d for i, d in enumerate(shape) if keep or i not in axes])
        table = self.b.tensor([len(axes)], 'int32', data=np.array(axes, np.int32))
        self.b.operator(fb.BuiltinOperator.MEAN, fb.BuiltinOptions.ReducerOptions, options, [x, table], y)
        return y

    def globalaveragepool(self, n, a):
        return self.mean(self.input(n['inputs'][0], to_nhwc), [1, 2], True), self.from_nhwc(2)

    def reducemean(self, n, a):
        return self.mean(self.input(n['inputs'][0]), a['axes'], bool(a['keepdims'])), lambda r: r

    def resize(self, n, a):
        x = self.input(n['inputs'][0], to_nhwc)
        size = self.constants[n['inputs'][3]][2:].astype(np.int32)
        options = fb.ResizeBilinearOptionsT()
        mode = a['coordinate_transformation_mode']
        options.alignCorners, options.halfPixelCenters = mode == 'align_corners', mode == 'half_pixel'
        n0, _, _, c = self.b.shape(x)
        y = self.output([n0, *size, c])
        sizes = self.b.tensor([2], 'int32', data=size)
        self.b.operator(fb.BuiltinOperator.RESIZE_BILINEAR, fb.BuiltinOptions.ResizeBilinearOptions, options, [x, sizes], y)
        return y, self.from_nhwc(2)

    def pad_(self, n, a):
        x = self.input(n['inputs'][0], to_nhwc)
        pads = self.constants[n['inputs'][1]]
        y = self.pad(x, [int(pads[i]) for i in (2, 3, 6, 7)])
        if y == x:  # nothing to pad: a pool of one element keeps the graph from being empty
            return self.pool(n, {'kernel_shape': [1, 1]}, fb.BuiltinOperator.MAX_POOL_2D, x)
        return y, self.from_nhwc(2)

    def unary(self, n, code, kind=0, options=None):
        x = self.input(n['inputs'][0])
        y = self.output(self.b.shape(x))
        self.b.operator(code, kind, options, [x], y)
        return y, lambda r: r

    def sigmoid(self, n, a):
        return self.unary(n, fb.BuiltinOperator.LOGISTIC)

    def tanh(self, n, a):
        return self.unary(n, fb.BuiltinOperator.TANH)

    def relu(self, n, a):
        return self.unary(n, fb.BuiltinOperator.RELU)

    def hardswish(self, n, a):
        return self.unary(n, fb.BuiltinOperator.HARD_SWISH, fb.BuiltinOptions.HardSwishOptions, fb.HardSwishOptionsT())

    def leakyrelu(self, n, a):
        options = fb.LeakyReluOptionsT()
        options.alpha = a['alpha']
        return self.unary(n, fb.BuiltinOperator.LEAKY_RELU, fb.BuiltinOptions.LeakyReluOptions, options)

    def softmax(self, n, a):
        options = fb.SoftmaxOptionsT()
        options.beta = 1.0
        return self.unary(n, fb.BuiltinOperator.SOFTMAX, fb.BuiltinOptions.SoftmaxOptions, options)


def run(model, feeds):
    if NAME == 'tflm':
        i = runtime.Interpreter.from_bytes(model)
        for k, x in enumerate(feeds):
            i.set_input(x, k)
        i.invoke()
        return i.get_output(0)
    i = litert.Interpreter(model_content=model, num_threads=1,
                           experimental_op_resolver_type=litert.OpResolverType.BUILTIN_REF)
    i.allocate_tensors()
    for d, x in zip(i.get_input_details(), feeds):
        i.set_tensor(d['index'], x)
    i.invoke()
    return i.get_tensor(i.get_output_details()[0]['index'])


results = []
for layer in json.load(open(sys.argv[1])):
    try:
        model, feeds, back = Layer(layer).build()
        y = back(run(model, feeds))
        results.append({'shape': list(y.shape), 'data': y.ravel().tolist()})
    except (RuntimeError, ValueError) as refused:
        results.append({'refused': str(refused)})
from importlib.metadata import version  # noqa: E402

PACKAGE = 'ai-edge-litert' if NAME == 'litert' else 'tflite-micro'
json.dump({'runtime': '%s %s' % (PACKAGE, version(PACKAGE)), 'results': results}, open(sys.argv[2], 'w'))
