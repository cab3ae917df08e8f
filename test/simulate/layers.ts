// Random QDQ layers as text, codes in and codes out, for every operator that the integer executor knows. A layer that fails is
// thus at once a bug report.
import type { Rng } from '../../src/base/rng.ts'

export interface Layer {
  text: string
  opset: number
}

export type Make = (rng: Rng, target: Style) => Layer

/** What a target's files look like. */
export interface Style {
  activation: 'u8' | 'i8' | 'i16'
  /** int8 weights are symmetric and restricted, or free. */
  symmetricWeights: boolean
}

export const pick = <T>(rng: Rng, items: readonly T[]): T => items[rng.below(items.length)]
const between = (rng: Rng, low: number, high: number): number => low + rng.below(high - low + 1)
const codes = (rng: Rng, count: number, low: number, high: number): string =>
  Array.from({ length: count }, () => between(rng, low, high)).join()
const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)

/** Mostly any number, now and then a power of two, which makes ties. */
export function scaleNear(rng: Rng, size: number, ties = true): number {
  const power = 1 << rng.below(4)
  if (rng.below(4) === 0 && ties) return 2 ** Math.round(Math.log2(size)) / power
  return Math.fround(size * (0.25 + 1.5 * rng.uniform()))
}

const ends = (type: Style['activation']): [number, number] =>
  type === 'u8' ? [0, 255] : type === 'i8' ? [-128, 127] : [-32768, 32767]

/** Steps that a step of 8 bits has. */
const fineness = (style: Style): number => (style.activation === 'i16' ? 256 : 1)

function zeroOf(rng: Rng, type: Style['activation']): number {
  if (type === 'i16') return 0
  const [low, high] = ends(type)
  return pick(rng, [low, high, (low + high + 1) / 2, between(rng, low, high), between(rng, low, high)])
}

/** `name = DequantizeLinear(...)` of the input `name_q`. */
export const dequantized = (name: string, type: string, scale: number, zero: number): string =>
  `${name} = DequantizeLinear(${name}_q, ${name}_s: f32[]{${scale}}, ${name}_z: ${type}[]{${zero}})`

const quantized = (from: string, type: string, scale: number, zero: number): string =>
  `y = QuantizeLinear(${from}, y_s: f32[]{${scale}}, y_z: ${type}[]{${zero}})`

/** Weights per tensor or per channel, and a bias where wanted; gives lines, names and the size of a typical weight. */
function weights(rng: Rng, style: Style, shape: number[], axis: number, xScale: number, bias: boolean) {
  const channels = shape[axis]
  const type = !style.symmetricWeights && rng.below(4) === 0 ? 'u8' : 'i8'
  const perChannel = rng.below(3) > 0
  const zero = style.symmetricWeights ? 0 : pick(rng, [0, 0, type === 'u8' ? 128 : 3])
  const scales = Array.from({ length: perChannel ? channels : 1 }, () => scaleNear(rng, 0.01))
  const [low, high] = type === 'u8' ? [0, 255] : [style.symmetricWeights ? -127 : -128, 127]
  const dims = perChannel ? `${channels}` : ''
  const zeros = scales.map(() => zero).join()
  const lines = [
    `w = DequantizeLinear(w_q: ${type}[${shape}]{${codes(rng, count(shape), low, high)}}, w_s: f32[${dims}]{${scales}}, w_z: ${type}[${dims}]{${zeros}}) {axis=${axis}}`,
  ]
  if (bias) {
    const unit = scales.map(s => Math.fround(Math.fround(s) * Math.fround(xScale)))
    lines.push(
      `b = DequantizeLinear(b_q: i32[${channels}]{${codes(rng, channels, -20000, 20000)}}, b_s: f32[${dims}]{${unit}}, b_z: i32[${dims}]{${scales.map(() => 0)}}) {axis=0}`,
    )
  }
  return { lines, names: bias ? 'w, b' : 'w', size: 73 * 0.01 }
}

const layer = (inputs: string, lines: readonly string[], output = 'y', opset = 17): Layer => ({
  text: `graph (${inputs}) -> (${output}) {\n  ${lines.join('\n  ')}\n}`,
  opset,
})

function input(rng: Rng, style: Style, name: string, shape: readonly number[], type = style.activation) {
  // LiteRT has another kernel for sums of 16 bits where all scales are powers of two.
  const scale = scaleNear(rng, 0.02 / fineness(style), style.activation !== 'i16')
  const zero = zeroOf(rng, type)
  return { shape, declared: `${name}_q: ${type}[${shape}]`, line: dequantized(name, type, scale, zero), scale, zero }
}

function convolution(rng: Rng, style: Style, kind: 'plain' | 'grouped' | 'depthwise' | '1d'): Layer {
  const group = kind === 'grouped' ? 2 : kind === 'depthwise' ? between(rng, 1, 9) : 1
  const perGroup = kind === 'depthwise' ? 1 : between(rng, 1, 5)
  const out = kind === 'depthwise' ? group * pick(rng, [1, 1, 2]) : group * between(rng, 1, 6)
  const rank = kind === '1d' ? 1 : 2
  const kernel = Array.from({ length: rank }, () => between(rng, 1, 3))
  const size = Array.from({ length: rank }, () => between(rng, 5, 9))
  const many = (low: number, high: number): number[] => Array.from({ length: rank }, () => between(rng, low, high))
  const pads = rng.below(2) ? Array(2 * rank).fill(0) : Array.from({ length: 2 * rank }, () => rng.below(2))
  const x = input(rng, style, 'x', [between(rng, 1, 2), group * perGroup, ...size])
  const w = weights(rng, style, [out, perGroup, ...kernel], 0, x.scale, rng.below(3) > 0)
  const attrs = `{kernel_shape=[${kernel}], strides=[${many(1, 2)}], dilations=[${rng.below(4) ? many(1, 1) : many(1, 2)}], pads=[${pads}], group=${group}}`
  const relu = rng.below(2) === 1
  const clip = style.symmetricWeights && rng.below(2) === 1 ? 'Clip(c, _min: f32[]{0}, _max: f32[]{6})' : 'Relu(c)'
  const zero = relu && !style.symmetricWeights ? ends(style.activation)[0] : zeroOf(rng, style.activation)
  const scale = scaleNear(rng, (x.scale * 74 * w.size * Math.sqrt(count(kernel) * perGroup)) / 60)
  const lines = [x.line, ...w.lines, `c = Conv(x, ${w.names}) ${attrs}`]
  if (relu) lines.push(`r = ${clip}`)
  return layer(x.declared, [...lines, quantized(relu ? 'r' : 'c', style.activation, scale, zero)])
}

function gemm(rng: Rng, style: Style, floatOutput: boolean): Layer {
  const [rows, depth, columns] = [between(rng, 1, 4), between(rng, 1, 40), between(rng, 1, 9)]
  const transB = rng.below(2)
  const x = input(rng, style, 'x', [rows, depth])
  const shape = transB ? [columns, depth] : [depth, columns]
  const w = weights(rng, style, shape, transB ? 0 : 1, x.scale, rng.below(3) > 0)
  const lines = [x.line, ...w.lines, `c = Gemm(x, ${w.names}) {transB=${transB}}`]
  if (floatOutput) return layer(x.declared, lines, 'c')
  const scale = scaleNear(rng, (x.scale * 74 * w.size * Math.sqrt(depth)) / 60)
  return layer(x.declared, [...lines, quantized('c', style.activation, scale, zeroOf(rng, style.activation))])
}

/**
 * Sums so close to where the rounding turns that the last bit of a multiplier decides: the bias is the sum, in steps that are ten
 * million times finer than the output's, and the product moves it by a few.
 */
function atTies(rng: Rng, style: Style, op: 'Conv' | 'Gemm'): Layer {
  const channels = 8
  const x = input(rng, style, 'x', op === 'Conv' ? [1, 1, 4, 4] : [8, 1])
  const perChannel = rng.below(2) === 0
  const scales = Array.from({ length: perChannel ? channels : 1 }, () => Math.fround(0.001 * (1 + rng.uniform())))
  const scale = Math.fround(x.scale * 0.001 * (1 + rng.uniform()) * 5_000_000)
  const sum = (c: number): number => {
    const ratio = (x.scale * scales[perChannel ? c : 0]) / scale
    return Math.round((between(rng, -90, 90) + 0.5) / ratio) + between(rng, -40, 40)
  }
  const dims = perChannel ? `${channels}` : ''
  const unit = scales.map(s => Math.fround(s * Math.fround(x.scale)))
  const constant = (name: string, type: string, shape: string, values: string, of: readonly number[]): string =>
    `${name} = DequantizeLinear(${name}_q: ${type}[${shape}]{${values}}, ${name}_s: f32[${dims}]{${of}}, ${name}_z: ${type}[${dims}]{${of.map(() => 0)}}) {axis=0}`
  return layer(x.declared, [
    x.line,
    constant('w', 'i8', op === 'Conv' ? `${channels},1,1,1` : `${channels},1`, codes(rng, channels, -1, 1), scales),
    constant('b', 'i32', `${channels}`, Array.from({ length: channels }, (_, c) => sum(c)).join(), unit),
    op === 'Conv' ? 'c = Conv(x, w, b) {kernel_shape=[1,1], group=1}' : 'c = Gemm(x, w, b) {transB=1}',
    quantized('c', style.activation, scale, style.activation === 'u8' ? 128 : 0),
  ])
}

function matmul(rng: Rng, style: Style, kind: 'weight' | 'activations' | 'float'): Layer {
  const [rows, depth, columns] = [between(rng, 1, 4), between(rng, 1, 24), between(rng, 1, 7)]
  const batch = pick(rng, [[], [2], [1, 3]])
  const x = input(rng, style, 'x', [...batch, rows, depth])
  const size = x.scale * 74 * Math.sqrt(depth)
  const y = (real: number): string =>
    quantized('c', style.activation, scaleNear(rng, real), zeroOf(rng, style.activation))
  if (kind === 'activations') {
    const b = input(rng, style, 'b', [...(rng.below(2) ? batch : []), depth, columns])
    return layer(`${x.declared}, ${b.declared}`, [
      x.line,
      b.line,
      'c = MatMul(x, b)',
      y((size * b.scale * 74 * fineness(style)) / 60),
    ])
  }
  const w = weights(rng, style, [depth, columns], 1, x.scale, false)
  const lines = [x.line, ...w.lines, 'c = MatMul(x, w)']
  return kind === 'float' ? layer(x.declared, lines, 'c') : layer(x.declared, [...lines, y((size * w.size) / 60)])
}

function binary(rng: Rng, style: Style, op: string): Layer {
  const shape = [between(rng, 1, 2), between(rng, 1, 5), between(rng, 1, 6), between(rng, 1, 9)]
  const other = pick(rng, [shape, shape, [1, shape[1], 1, 1], shape.slice(2), [1], [shape[0], 1, 1, shape[3]]])
  const a = input(rng, style, 'a', shape)
  const b = input(rng, style, 'b', other)
  const size = op === 'Mul' ? a.scale * b.scale * 74 * fineness(style) : Math.max(a.scale, b.scale)
  const order = rng.below(4) ? 'a, b' : 'b, a'
  const relu = rng.below(3) === 0
  const zero = relu && !style.symmetricWeights ? ends(style.activation)[0] : zeroOf(rng, style.activation)
  const lines = [a.line, b.line, `c = ${op}(${order})`, ...(relu ? ['r = Relu(c)'] : [])]
  return layer(`${a.declared}, ${b.declared}`, [
    ...lines,
    quantized(relu ? 'r' : 'c', style.activation, scaleNear(rng, size), zero),
  ])
}

/** A constant of random codes, as `input`. */
function held(rng: Rng, style: Style, name: string, shape: readonly number[]) {
  const scale = scaleNear(rng, 0.01 / fineness(style), style.activation !== 'i16')
  const values = codes(rng, count(shape), ...ends(style.activation))
  const line = dequantized(name, style.activation, scale, zeroOf(rng, style.activation))
  return { scale, line: line.replace(`${name}_q`, `${name}_q: ${style.activation}[${shape}]{${values}}`) }
}

// From this opset on constants may be int16.
const wide = 21

/** A constant may come before or after what is computed. */
function besideConstant(rng: Rng, style: Style, op: 'Add' | 'Mul' | 'Concat'): Layer {
  const shape = [1, between(rng, 1, 5), between(rng, 1, 6), between(rng, 1, 9)]
  const other = op === 'Concat' ? shape : pick(rng, [shape, [1, shape[1], 1, 1], shape.slice(2), [1]])
  const a = input(rng, style, 'a', shape)
  const k = held(rng, style, 'k', other)
  const size = op === 'Mul' ? a.scale * k.scale * 74 * fineness(style) : Math.max(a.scale, k.scale)
  const lines = [
    a.line,
    k.line,
    `c = ${op}(${rng.below(2) ? 'a, k' : 'k, a'})${op === 'Concat' ? ' {axis=1}' : ''}`,
    quantized('c', style.activation, scaleNear(rng, size), zeroOf(rng, style.activation)),
  ]
  return layer(a.declared, lines, 'y', wide)
}

function concat(rng: Rng, style: Style): Layer {
  const axis = rng.below(3)
  const base = [between(rng, 1, 3), between(rng, 1, 4), between(rng, 1, 5)]
  const names = ['a', 'b', 'c'].slice(0, between(rng, 2, 3))
  const inputs = names.map(name =>
    input(
      rng,
      style,
      name,
      base.map((d, i) => (i === axis ? between(rng, 1, 4) : d)),
    ),
  )
  const same = rng.below(3) === 0
  const [scale, zero] = same
    ? [inputs[0].scale, inputs[0].zero]
    : [scaleNear(rng, 0.02 / fineness(style)), zeroOf(rng, style.activation)]
  return layer(inputs.map(i => i.declared).join(', '), [
    ...inputs.map(i => i.line),
    `r = Concat(${names}) {axis=${axis}}`,
    quantized('r', style.activation, scale, zero),
  ])
}

function pool(rng: Rng, style: Style, op: 'MaxPool' | 'AveragePool'): Layer {
  const rank = rng.below(4) ? 2 : 1
  const many = (low: number, high: number): number[] => Array.from({ length: rank }, () => between(rng, low, high))
  const kernel = many(2, 3)
  const size = rng.below(5) === 0 ? kernel : many(4, 9)
  if (style.symmetricWeights) return tflitePool(rng, style, op, kernel, size, many(1, 3))
  const pads = rng.below(2) ? Array(2 * rank).fill(0) : Array.from({ length: 2 * rank }, () => rng.below(2))
  const x = input(rng, style, 'x', [between(rng, 1, 2), between(rng, 1, 5), ...size])
  const attrs = [`kernel_shape=[${kernel}]`, `strides=[${many(1, 3)}]`, `pads=[${pads}]`]
  // The runtime's shape inference for its integer average pool knows no ceil_mode and refuses its own result.
  attrs.push(op === 'MaxPool' ? `ceil_mode=${rng.below(2)}` : `count_include_pad=${rng.below(2)}`)
  const [scale, zero] =
    op === 'MaxPool' || !different(rng, style)
      ? [x.scale, x.zero]
      : [scaleNear(rng, 0.02), zeroOf(rng, style.activation)]
  const lines = [x.line, `c = ${op}(x) {${attrs.join(', ')}}`, quantized('c', style.activation, scale, zero)]
  return layer(x.declared, lines)
}

const different = (rng: Rng, style: Style): boolean => !style.symmetricWeights && rng.below(3) > 0

/** TFLite's pools keep the scale of their input, and pad as SAME does or not at all. */
function tflitePool(rng: Rng, style: Style, op: string, kernel: number[], size: number[], strides: number[]): Layer {
  const x = input(rng, style, 'x', [between(rng, 1, 2), between(rng, 1, 5), ...size])
  const padding = pick(rng, ['VALID', 'SAME_UPPER'])
  const attrs = `kernel_shape=[${kernel}], strides=[${strides}], auto_pad="${padding}"`
  const relu = rng.below(4) === 0
  const lines = [x.line, `c = ${op}(x) {${attrs}}`, ...(relu ? ['r = Relu(c)'] : [])]
  return layer(x.declared, [...lines, quantized(relu ? 'r' : 'c', style.activation, x.scale, x.zero)])
}

function unary(rng: Rng, style: Style, op: string, attrs = '', rank4 = false): Layer {
  const shape = rank4
    ? [between(rng, 1, 2), between(rng, 1, 6), between(rng, 1, 8), between(rng, 1, 8)]
    : pick(rng, [[between(rng, 1, 99)], [between(rng, 1, 4), between(rng, 1, 30)], [2, 3, between(rng, 1, 5)]])
  const x = input(rng, style, 'x', shape)
  const squashes = op === 'Sigmoid' || op === 'Tanh'
  let [scale, zero] = [scaleNear(rng, squashes ? 1 / 256 : x.scale), zeroOf(rng, style.activation)]
  // Outputs that TFLite fixes.
  if (style.symmetricWeights && op === 'Sigmoid') [scale, zero] = [1 / 256, -128]
  if (style.symmetricWeights && op === 'Tanh') [scale, zero] = [1 / 128, 0]
  return layer(x.declared, [x.line, `c = ${op}(x)${attrs}`, quantized('c', style.activation, scale, zero)])
}

function softmax(rng: Rng, style: Style): Layer {
  const shape = [between(rng, 1, 4), between(rng, 1, 12), between(rng, 1, 30)]
  const x = input(rng, style, 'x', shape)
  const [low] = ends(style.activation)
  const axis = style.symmetricWeights ? -1 : pick(rng, [-1, -1, 1, 0])
  const opset = style.symmetricWeights ? 17 : pick(rng, [11, 13, 17])
  const lines = [x.line, `c = Softmax(x) {axis=${axis}}`, quantized('c', style.activation, 1 / 256, low)]
  return layer(x.declared, lines, 'y', opset)
}

function layout(rng: Rng, style: Style): Layer {
  const shape = [between(rng, 1, 3), between(rng, 2, 4), between(rng, 3, 5), between(rng, 3, 6)]
  const x = input(rng, style, 'x', shape)
  const node = pick(rng, [
    'Reshape(x, shape: i64[2]{0,-1})',
    'Flatten(x)',
    `Transpose(x) {perm=[${pick(rng, ['0,2,3,1', '3,2,1,0', '1,0,2,3'])}]}`,
    'Slice(x, starts: i64[2]{1,0}, stops: i64[2]{9,-1}, axes: i64[2]{2,3}, steps: i64[2]{2,1})',
    'Gather(x, at: i64[2]{1,0}) {axis=1}',
    'Tile(x, times: i64[4]{1,2,1,2})',
    'Expand(x, shape: i64[5]{2,1,1,1,1})',
    'Unsqueeze(x, axes: i64[1]{1})',
    'Resize(x, _, times: f32[4]{1,1,2,2}) {mode="nearest"}',
    'Resize(x, _, times: f32[4]{1,1,1.5,0.7}) {mode="nearest", nearest_mode="floor", coordinate_transformation_mode="asymmetric"}',
  ])
  return layer(x.declared, [x.line, `c = ${node}`, quantized('c', style.activation, x.scale, x.zero)])
}

function reduced(rng: Rng, style: Style): Layer {
  const x = input(rng, style, 'x', [between(rng, 1, 2), between(rng, 1, 5), between(rng, 1, 9), between(rng, 1, 9)])
  const axes = pick(rng, ['2,3', '-1', '1', '1,2,3'])
  const node = `c = ReduceMean(x) {axes=[${axes}], keepdims=${rng.below(2)}}`
  return layer(x.declared, [
    x.line,
    node,
    quantized('c', style.activation, scaleNear(rng, x.scale), zeroOf(rng, style.activation)),
  ])
}

/** Codes of one scale to codes of another, with no operator between. */
function requantised(rng: Rng, style: Style): Layer {
  const x = input(rng, style, 'x', [between(rng, 1, 99)])
  return layer(x.declared, [
    x.line,
    quantized('x', style.activation, scaleNear(rng, 0.02 / fineness(style)), zeroOf(rng, style.activation)),
  ])
}

function resized(rng: Rng, style: Style): Layer {
  const x = input(rng, style, 'x', [between(rng, 1, 2), between(rng, 1, 4), between(rng, 2, 7), between(rng, 2, 7)])
  const mode = pick(rng, ['half_pixel', 'align_corners', 'asymmetric'])
  const sizes = `sizes: i64[4]{${x.shape.slice(0, 2)},${between(rng, 1, 12)},${between(rng, 1, 12)}}`
  const node = `c = Resize(x, _, _, ${sizes}) {mode="linear", coordinate_transformation_mode="${mode}"}`
  return layer(x.declared, [x.line, node, quantized('c', style.activation, x.scale, x.zero)])
}

function padded(rng: Rng, style: Style): Layer {
  const x = input(rng, style, 'x', [between(rng, 1, 2), between(rng, 1, 4), between(rng, 2, 7), between(rng, 2, 7)])
  const pads = Array.from({ length: 8 }, (_, i) => (i % 4 < 2 ? 0 : rng.below(3)))
  const node = `c = Pad(x, pads: i64[8]{${pads}})`
  return layer(x.declared, [x.line, node, quantized('c', style.activation, x.scale, x.zero)])
}

/** Layers that only TFLite computes in integers. */
export const tfliteLayers: Record<string, Make> = {
  Sub: (rng, style) => binary(rng, style, 'Sub'),
  Tanh: (rng, style) => unary(rng, style, 'Tanh'),
  HardSwish: (rng, style) => unary(rng, style, 'HardSwish'),
  Relu: (rng, style) => unary(rng, style, 'Relu'),
  ReduceMean: reduced,
  Pad: padded,
  'Resize, linear': resized,
  requantisation: requantised,
}

/** By name of the test. */
export const layers: Record<string, Make> = {
  Conv: (rng, style) => convolution(rng, style, 'plain'),
  'Conv, grouped': (rng, style) => convolution(rng, style, 'grouped'),
  'Conv, depthwise': (rng, style) => convolution(rng, style, 'depthwise'),
  'Conv, one axis': (rng, style) => convolution(rng, style, '1d'),
  'Conv at ties': (rng, style) => atTies(rng, style, 'Conv'),
  Gemm: (rng, style) => gemm(rng, style, false),
  'Gemm at ties': (rng, style) => atTies(rng, style, 'Gemm'),
  'Gemm to float': (rng, style) => gemm(rng, style, true),
  MatMul: (rng, style) => matmul(rng, style, 'weight'),
  'MatMul of activations': (rng, style) => matmul(rng, style, 'activations'),
  'MatMul to float': (rng, style) => matmul(rng, style, 'float'),
  Add: (rng, style) => binary(rng, style, 'Add'),
  Mul: (rng, style) => binary(rng, style, 'Mul'),
  'Mul and a constant': (rng, style) => besideConstant(rng, style, 'Mul'),
  'Add and a constant': (rng, style) => besideConstant(rng, style, 'Add'),
  'Concat and a constant': (rng, style) => besideConstant(rng, style, 'Concat'),
  Concat: concat,
  MaxPool: (rng, style) => pool(rng, style, 'MaxPool'),
  AveragePool: (rng, style) => pool(rng, style, 'AveragePool'),
  GlobalAveragePool: (rng, style) => unary(rng, style, 'GlobalAveragePool', '', true),
  Sigmoid: (rng, style) => unary(rng, style, 'Sigmoid'),
  LeakyRelu: (rng, style) => unary(rng, style, 'LeakyRelu', ` {alpha=${Math.fround(rng.uniform())}}`),
  Softmax: softmax,
  layout,
}
