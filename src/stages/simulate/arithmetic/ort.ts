// ONNX Runtime's integer kernels as its WebAssembly build computes them: accumulators are scaled in float32, rounded half to even,
// clamped. Read from its source (core/mlas/lib/quantize.cpp, qladd.cpp, qlmul.cpp, qlgavgpool.cpp, logistic.cpp: the portable
// branches; contrib_ops/cpu/quantization/qlinear_*.cc) and held against it by test/simulate/onnxruntime-web.test.ts. Native builds have
// other branches for Add on ARM, and fused multiply-add.
import { exp, log } from '../../../base/math.ts'
import { attrFloat, attrInt, attrString, type Model, type Node } from '../../../ir/model.ts'
import { outputBounds } from '../../../ops/bounds.ts'
import { clamp, halfEven } from '../rounding.ts'
import type { Affine, Arithmetic, Curve, IntegerOp, Params, Unit } from '../types.ts'

const f32 = Math.fround

export const ort: Arithmetic = {
  id: 'ort',
  fusesFloat: true,
  refuses,
  asksRuntime,

  // relu_quantizelinear.cc, clip_quantizelinear.cc: an activation function is dropped where no code lies outside its bounds.
  narrow(activation, y, model) {
    const bounds = outputBounds(activation, model.graph)
    if (!bounds) return null
    const low = f32(y.scale * (y.qmin - y.zeroPoint))
    const high = f32(y.scale * (y.qmax - y.zeroPoint))
    return bounds.min <= low && high <= bounds.max ? y : null
  },

  quantize: (x, y) => (Number.isNaN(x) ? y.zeroPoint : clamp(halfEven(f32(x / y.scale)) + y.zeroPoint, y.qmin, y.qmax)),

  // MlasRequantizeOutput; the scale is computed in the order input * weight / output (qlinearconv.cc, quant_gemm.cc).
  requantizer(x, w, y) {
    const scales = w.map(s => f32(f32(x.scale * s) / y.scale))
    const low = y.qmin - y.zeroPoint
    const high = y.qmax - y.zeroPoint
    const each = scales.length > 1
    return (accumulator, channel) =>
      halfEven(clamp(f32(f32(accumulator) * scales[each ? channel : 0]), low, high)) + y.zeroPoint
  },

  scaler(x, w) {
    const scales = w.map(s => f32(x.scale * s))
    const each = scales.length > 1
    return (accumulator, channel) => f32(f32(accumulator) * scales[each ? channel : 0])
  },

  // qladd.cpp, MlasQLinearAddKernelRawHelper: both operands become real, the sum is divided by the output's scale.
  adder(a, b, y) {
    const code = realToCode(y)
    return (p, q) => code(f32(real(p, a) + real(q, b)))
  },

  multiplier(a, b, y) {
    const code = realToCode(y)
    return (p, q) => code(f32(real(p, a) * real(q, b)))
  },

  rescaler: (x, y) => q => (x.scale === y.scale && x.zeroPoint === y.zeroPoint ? q : ort.quantize(real(q, x), y)),

  // qlinear_lookup_table.cc: every code through float32.
  curve(kind, node, x, y) {
    const f = curves[kind]!(node)
    return q => ort.quantize(f(real(q, x)), y)
  },

  // qlinear_pool.cc: the sum of reals in float32, in the order of the window; a window of the whole map is a global pool.
  averager: (x, y, whole) => (window, count, size) => {
    let sum = 0
    if (whole) {
      for (let i = 0; i < count; i++) sum += window[i]
      return ort.globalAverager!(x, y, count)(sum)
    }
    for (let i = 0; i < count; i++) sum = f32(sum + real(window[i], x))
    const mean = f32(sum / size)
    return clamp(halfEven(f32(f32(mean / y.scale) + y.zeroPoint)), y.qmin, y.qmax)
  },

  // qlgavgpool.cpp, the portable branch: one scale for the sum less the zero points.
  globalAverager(x, y, size) {
    const scale = f32(x.scale / f32(y.scale * size))
    return sum => clamp(halfEven(f32(f32(sum - size * x.zeroPoint) * scale)) + y.zeroPoint, y.qmin, y.qmax)
  },

  softmax,
}

/** A code as a real number, in float32. */
const real = (q: number, { scale, zeroPoint }: Affine): number => f32(scale * (q - zeroPoint))

/** Clamped before the zero point is added, and rounded after it. */
function realToCode(y: Affine): (x: number) => number {
  const low = y.qmin - y.zeroPoint
  const high = y.qmax - y.zeroPoint
  return x => halfEven(f32(clamp(f32(x / y.scale), low, high) + y.zeroPoint))
}

const curves: Partial<Record<Curve, (node: Node) => (x: number) => number>> = {
  Sigmoid: () => logistic,
  LeakyRelu: node => {
    const alpha = f32(attrFloat(node, 'alpha', 0.01))
    return x => (x >= 0 ? x : f32(alpha * x))
  },
}

// Coefficients of MlasLogisticKernel (logistic.cpp), which are Eigen's: odd powers over even powers, plus one half.
const odd = [4.37031012579801e-11, 1.15627324459942e-7, 6.08574864600143e-5, 8.51377133304701e-3, 2.48287947061529e-1]
const even = [
  6.10247389755681e-13, 5.76102136993427e-9, 6.2910678501704e-6, 1.70198817374094e-3, 1.16817656904453e-1,
  9.9315192102318e-1,
]

function logistic(value: number): number {
  const x = clamp(value, -18, 18)
  const square = f32(x * x)
  const p = f32(polynomial(odd, square) * x)
  return clamp(f32(f32(p / polynomial(even, square)) + 0.5), 0, 1)
}

const polynomial = (coefficients: readonly number[], x: number): number =>
  coefficients.reduce((sum, c) => f32(f32(sum * x) + f32(c)), 0)

const largest = 3.4028234663852886e38 // of float32

/**
 * qlinear_softmax.cc: e^x from a table of 256 floats that is aligned with the largest code of the row; the sum in float32; the
 * quotient times the whole number of steps in one.
 */
function softmax(x: Affine, y: Affine, length: number): (row: Int32Array, out: Int32Array) => void {
  const table = new Float32Array(256)
  const shift = Math.max(0, f32(log(f32(largest / f32(length)))) - 5) / x.scale
  for (let i = 0; i < 256; i++) table[i] = exp((i - 255 + shift) * x.scale)
  const steps = Math.floor(f32(1 / y.scale))
  return (row, out) => {
    let most = row[0]
    for (const q of row) most = Math.max(most, q)
    let sum = 0
    for (const q of row) sum = f32(sum + table[255 - most + q])
    for (let i = 0; i < row.length; i++) {
      const q = halfEven(f32(f32(table[255 - most + row[i]] * steps) / sum)) + y.zeroPoint
      out[i] = Math.min(q, y.qmax)
    }
  }
}

const eightBits = ['uint8', 'int8']

/** qdq_selectors.cc: which units the QDQ transformer turns into integer operators. */
function refuses(unit: Unit, op: IntegerOp, model: Model): string | null {
  const { node } = unit
  const operands = unit.inputs.filter(operand => operand !== null)
  const x = operands[0]
  if (!supported.has(node.op)) return 'the runtime has no integer kernel for it'
  if (!eightBits.includes(x.dtype)) return `its activations are ${x.dtype}`
  if (unit.quantize && unit.output.dtype !== x.dtype) return 'its input and output are of different types'
  if (node.op === 'Conv' || node.op === 'Gemm' || node.op === 'MatMul') return refusesProduct(unit)
  if (operands.some(o => o.dtype !== x.dtype)) return 'its inputs are of different types'
  if (operands.some(o => o.scale.length > 1)) return 'an activation has more than one scale'
  if (!unit.quantize) return 'its output stays float'
  if (op.moves && !sameCodes(unit)) return 'input and output have different scales'
  if (op.moves && unit.activation) return 'an activation function stands before its QuantizeLinear'
  if (node.op === 'Resize' && attrString(node, 'mode', 'nearest') !== 'nearest') return 'it computes new values'
  if (node.op === 'MaxPool' && ((model.opsets[''] ?? 0) < 12 || !(x.scale[0] > 0))) return 'MaxPool before opset 12'
  return null
}

function refusesProduct(unit: Unit): string | null {
  const [x, w, b] = unit.inputs
  if (x!.scale.length > 1) return 'its input has more than one scale'
  if (!eightBits.includes(w!.dtype)) return `its weights are ${w!.dtype}`
  if (b && b.dtype !== 'int32') return `its bias is ${b.dtype}`
  if (!unit.quantize && (unit.node.op === 'Conv' || unit.activation)) return 'its output stays float'
  if (w!.zeroPoint.some(z => z !== w!.zeroPoint[0])) return 'its channels have different zero points'
  if (unit.node.op === 'Gemm') {
    if (attrInt(unit.node, 'transA', 0) !== 0) return 'its input is transposed'
    if (f32(attrFloat(unit.node, 'alpha', 1)) !== 1 || f32(attrFloat(unit.node, 'beta', 1)) !== 1)
      return 'alpha or beta is not 1'
  }
  return null
}

/**
 * With signed activations the runtime computes some products in integers and some not (qdq_s8_to_u8.cc); pairs in a row it merges
 * (double_qdq_pairs_remover.cc). Both hang on the whole graph.
 */
function asksRuntime({ graph }: Model, pairs: ReadonlyMap<Node, Params>): string | null {
  const behind = new Map([...pairs].flatMap(([node, params]) => node.outputs.map(name => [name, { node, params }])))
  for (const node of graph.nodes) {
    const from = behind.get(node.inputs[0])
    if (from?.node.op !== 'DequantizeLinear' || graph.values.get(from.node.inputs[0]!)?.data) continue
    if (node.op === 'QuantizeLinear') return 'the runtime merges pairs in a row, and is asked'
    if (['Conv', 'Gemm', 'MatMul'].includes(node.op) && from.params.dtype === 'int8')
      return 'with signed activations the runtime decides by the whole graph, and is asked'
  }
  return null
}

const sameCodes = ({ inputs, output }: Unit): boolean =>
  inputs[0]!.scale[0] === output.affine?.scale && inputs[0]!.zeroPoint[0] === output.affine.zeroPoint

const supported = new Set([
  ...[
    'Conv',
    'Gemm',
    'MatMul',
    'Add',
    'Mul',
    'Concat',
    'AveragePool',
    'GlobalAveragePool',
    'LeakyRelu',
    'Sigmoid',
    'Softmax',
  ],
  ...[
    'MaxPool',
    'Resize',
    'Expand',
    'Flatten',
    'Gather',
    'Reshape',
    'Slice',
    'Squeeze',
    'Tile',
    'Transpose',
    'Unsqueeze',
  ],
])
