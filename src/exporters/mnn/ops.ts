// ONNX operators as MNN's, by name. Shapes are constants here: every dimension is known when a file is written.
import { isFloat } from '../../base/dtype.ts'
import { sqrt } from '../../base/math.ts'
import type { MnnNetPart } from '../../formats/mnn.ts'
import { attrFloat, attrInt, attrInts, attrString, type Node, type ValueName } from '../../ir/model.ts'
import { constantOf, type Lowering, refuse, shapeOf } from './context.ts'
import { numbersOf } from './draft.ts'
import { conv, gemm, giveReshaped, matMul, pool, resize } from './layers.ts'

type Main = NonNullable<NonNullable<MnnNetPart['oplists']>[number]['main']>
type Rule = (lowering: Lowering, node: Node) => Promise<void> | void

/** Takes one value as it lies, and gives another of its layout. */
async function elementwise({ draft }: Lowering, node: Node, type: string, main?: Main): Promise<void> {
  const [x] = node.inputs
  const layout = draft.layoutOf(x!)
  draft.give(node.outputs[0]!, layout, type, [await draft.use(x!, layout)], main)
}

const unary =
  (opType: number): Rule =>
  (lowering, node) =>
    elementwise(lowering, node, 'UnaryOp', { name: 'UnaryOp', value: { opType, T: 1 } })

/** Packed where all operands are and have one shape, else plain. */
async function binary(lowering: Lowering, node: Node, opType: number): Promise<void> {
  const { draft } = lowering
  const shapes = node.inputs.map(name => shapeOf(lowering, node, name).join())
  const packed = node.inputs.every(name => draft.layoutOf(name!) === 'packed') && new Set(shapes).size === 1
  const layout = packed ? 'packed' : 'plain'
  const fused = lowering.fused.get(node.id)
  const main = { name: 'BinaryOp' as const, value: { opType, T: 1, activationType: fused?.kind ?? 0 } }
  const output = fused?.output ?? node.outputs[0]!
  let sum = await draft.use(node.inputs[0]!, layout)
  for (const [i, name] of node.inputs.slice(1).entries()) {
    const inputs = [sum, await draft.use(name!, layout)]
    if (i === node.inputs.length - 2) draft.give(output, layout, 'BinaryOp', inputs, main)
    else sum = draft.inner('BinaryOp', inputs, main)
  }
  if (node.inputs.length === 1) draft.alias(node.outputs[0]!, node.inputs[0]!)
}

const binaries: Readonly<Record<string, number>> = {
  Add: 0,
  Sub: 1,
  Mul: 2,
  Div: 7,
  Pow: 6,
  Min: 8,
  Max: 9,
  Sum: 0,
  Greater: 10,
  GreaterOrEqual: 11,
  Less: 12,
  Equal: 15,
  LessOrEqual: 16,
  Or: 21,
  And: 2,
}

const unaries: Readonly<Record<string, number>> = {
  Abs: 0,
  Neg: 1,
  Floor: 2,
  Ceil: 3,
  Sqrt: 5,
  Exp: 7,
  Log: 8,
  Sin: 9,
  Cos: 10,
  Reciprocal: 15,
  Sign: 22,
  Round: 23,
  Erf: 25,
  Sigmoid: 29,
  Tanh: 30,
  HardSwish: 31,
}

const reductions: Readonly<Record<string, number>> = {
  ReduceSum: 0,
  ReduceMean: 3,
  ReduceMax: 4,
  ReduceMin: 5,
  ReduceProd: 6,
}

const outputOf = (node: Node): ValueName => node.outputs[0]!
const plain = (lowering: Lowering, node: Node): Promise<number> => lowering.draft.use(node.inputs[0]!, 'plain')

/** The numbers of a constant input; null where it is left out. */
async function numbers(lowering: Lowering, node: Node, input: number): Promise<number[] | null> {
  const name = node.inputs[input]
  if (!name) return null
  const tensor = constantOf(lowering, name)
  if (!tensor)
    throw refuse(
      node,
      `computes what its input ${input} should tell`,
      'Fix the shapes of the inputs, so that it becomes constant.',
    )
  return Array.from((await numbersOf(tensor, lowering.bytes)).values)
}

/** Attribute of older operator sets, input of newer ones. */
const told = async (lowering: Lowering, node: Node, name: string, input: number): Promise<number[] | null> =>
  attrInts(node, name) ?? (await numbers(lowering, node, input))

const positive = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis)

async function reshape(lowering: Lowering, node: Node): Promise<void> {
  giveReshaped(lowering, outputOf(node), await plain(lowering, node), shapeOf(lowering, node, outputOf(node)))
}

async function clip(lowering: Lowering, node: Node): Promise<void> {
  const low = (await numbers(lowering, node, 1))?.[0] ?? attrFloat(node, 'min', -3.4e38)
  const high = (await numbers(lowering, node, 2))?.[0] ?? attrFloat(node, 'max', 3.4e38)
  await elementwise(lowering, node, 'ReLU6', { name: 'Relu6', value: { minValue: low, maxValue: high } })
}

async function hardSigmoid(lowering: Lowering, node: Node): Promise<void> {
  const { draft } = lowering
  const x = await plain(lowering, node)
  const op = (opType: number): Main => ({ name: 'BinaryOp', value: { opType, T: 1 } })
  const scaled = draft.inner('BinaryOp', [x, draft.floats([attrFloat(node, 'alpha', 0.2)], [])], op(2))
  const sum = draft.inner('BinaryOp', [scaled, draft.floats([attrFloat(node, 'beta', 0.5)], [])], op(0))
  draft.give(outputOf(node), 'plain', 'ReLU6', [sum], { name: 'Relu6', value: { minValue: 0, maxValue: 1 } })
}

async function prelu(lowering: Lowering, node: Node): Promise<void> {
  const { draft } = lowering
  const slope = await numbers(lowering, node, 1)
  const channels = shapeOf(lowering, node, node.inputs[0])[1]
  if (slope!.length !== 1 && slope!.length !== channels)
    throw refuse(node, 'has slopes that are not of channels', 'Use one slope a channel.')
  const slopes = slope!.length === 1 ? new Float32Array(channels).fill(slope![0]) : Float32Array.from(slope!)
  draft.give(outputOf(node), 'packed', 'PReLU', [await draft.use(node.inputs[0]!, 'packed')], {
    name: 'PRelu',
    value: { slopeCount: channels, slope: slopes },
  })
}

async function batchNorm(lowering: Lowering, node: Node): Promise<void> {
  const { draft } = lowering
  const [factor, bias, mean, variance] = [1, 2, 3, 4].map(i => constantOf(lowering, node.inputs[i]))
  if (!factor || !bias || !mean || !variance)
    throw refuse(node, 'has statistics that are computed', 'Export the model for inference.')
  const [g, b, m, v] = await Promise.all(
    [factor, bias, mean, variance].map(async t => (await numbersOf(t, lowering.bytes)).values),
  )
  const epsilon = attrFloat(node, 'epsilon', 1e-5)
  const scaleData = Float32Array.from(g, (x, i) => x / sqrt(v[i] + epsilon))
  const biasData = Float32Array.from(b, (x, i) => x - m[i] * scaleData[i])
  draft.give(outputOf(node), 'packed', 'Scale', [await draft.use(node.inputs[0]!, 'packed')], {
    name: 'Scale',
    value: { channels: g.length, scaleData, biasData },
  })
}

async function layerNorm(lowering: Lowering, node: Node): Promise<void> {
  const { draft } = lowering
  const rank = shapeOf(lowering, node, node.inputs[0]).length
  if (positive(attrInt(node, 'axis', -1), rank) !== rank - 1 || node.outputs.length > 1)
    throw refuse(node, 'normalises over several axes', 'Normalise over the last axis.')
  const gamma = await numbers(lowering, node, 1)
  const beta = (await numbers(lowering, node, 2)) ?? gamma!.map(() => 0)
  draft.give(outputOf(node), 'plain', 'LayerNorm', [await plain(lowering, node)], {
    name: 'LayerNorm',
    value: {
      axis: Int32Array.of(-1),
      epsilon: attrFloat(node, 'epsilon', 1e-5),
      gamma: Float32Array.from(gamma!),
      beta: Float32Array.from(beta),
    },
  })
}

async function reduce(lowering: Lowering, node: Node): Promise<void> {
  const rank = shapeOf(lowering, node, node.inputs[0]).length
  const axes = (await told(lowering, node, 'axes', 1)) ?? Array.from({ length: rank }, (_, i) => i)
  lowering.draft.give(outputOf(node), 'plain', 'Reduction', [await plain(lowering, node)], {
    name: 'ReductionParam',
    value: {
      operation: reductions[node.op],
      dim: Int32Array.from(axes, a => positive(a, rank)),
      keepDims: attrInt(node, 'keepdims', 1),
      dType: 1,
    },
  })
}

async function slice(lowering: Lowering, node: Node): Promise<void> {
  const { draft } = lowering
  const starts = await told(lowering, node, 'starts', 1)
  const ends = await told(lowering, node, 'ends', 2)
  const axes = (await told(lowering, node, 'axes', 3)) ?? starts!.map((_, i) => i)
  const steps = (await numbers(lowering, node, 4)) ?? starts!.map(() => 1)
  const far = 1073741824 // MNN adds to it
  const bounded = ends!.map(e => Math.max(-far, Math.min(far, e)))
  const inputs = [await plain(lowering, node), ...[starts!, bounded, axes, steps].map(list => draft.ints(list))]
  draft.give(outputOf(node), 'plain', 'StridedSlice', inputs, {
    name: 'StridedSliceParam',
    value: { T: 1, fromType: 1 },
  })
}

async function split(lowering: Lowering, node: Node): Promise<void> {
  const axis = attrInt(node, 'axis', 0)
  const names = node.outputs.filter(name => name !== null)
  if (names.length !== node.outputs.length) throw refuse(node, 'leaves a part out', 'Optimise the model first.')
  if (names.length === 1) return lowering.draft.alias(names[0], node.inputs[0]!)
  const rank = shapeOf(lowering, node, node.inputs[0]).length
  const at = positive(axis, rank)
  const sizes = names.map(name => shapeOf(lowering, node, name)[at])
  lowering.draft.giveAll(names, 'plain', 'Slice', [await plain(lowering, node)], {
    name: 'Slice',
    value: { axis: at, slicePoints: Int32Array.from(sizes), sourceType: 1 },
  })
}

async function concat(lowering: Lowering, node: Node): Promise<void> {
  const { draft } = lowering
  const axis = attrInt(node, 'axis', 0)
  const packed = node.inputs.every(name => draft.layoutOf(name!) === 'packed')
  const layout = packed ? 'packed' : 'plain'
  const inputs = []
  for (const name of node.inputs) inputs.push(await draft.use(name!, layout))
  draft.give(outputOf(node), layout, 'Concat', inputs, { name: 'Axis', value: { axis } })
}

async function transpose(lowering: Lowering, node: Node): Promise<void> {
  const rank = shapeOf(lowering, node, node.inputs[0]).length
  const dims = attrInts(node, 'perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i)
  lowering.draft.give(outputOf(node), 'plain', 'Permute', [await plain(lowering, node)], {
    name: 'Permute',
    value: { dims: Int32Array.from(dims) },
  })
}

async function gather(lowering: Lowering, node: Node): Promise<void> {
  const { draft } = lowering
  const inputs = [
    await plain(lowering, node),
    await draft.use(node.inputs[1]!, 'plain'),
    draft.ints([attrInt(node, 'axis', 0)], []),
  ]
  draft.give(outputOf(node), 'plain', 'GatherV2', inputs, { name: 'GatherV2', value: {} })
}

const padModes: Readonly<Record<string, number>> = { constant: 0, reflect: 1, edge: 3 }

async function pad(lowering: Lowering, node: Node): Promise<void> {
  const { draft } = lowering
  const pads = await told(lowering, node, 'pads', 1)
  const mode = padModes[attrString(node, 'mode', 'constant')]
  if (mode === undefined || pads!.some(p => p < 0))
    throw refuse(node, 'wraps around or cuts', 'Pad by constants, reflected or at the edges.')
  const axes = await numbers(lowering, node, 3)
  const rank = shapeOf(lowering, node, node.inputs[0]).length
  const pairs = new Int32Array(2 * rank)
  const listed = axes ? axes.map(a => positive(a, rank)) : Array.from({ length: rank }, (_, i) => i)
  for (const [i, axis] of listed.entries()) pairs.set([pads![i], pads![i + listed.length]], 2 * axis)
  const value = (await numbers(lowering, node, 2))?.[0] ?? attrFloat(node, 'value', 0)
  const inputs = [await plain(lowering, node), draft.ints(pairs, [rank, 2]), draft.floats([value], [])]
  draft.give(outputOf(node), 'plain', 'Padding', inputs, { name: 'PadParam', value: { mode } })
}

async function softmax(lowering: Lowering, node: Node): Promise<void> {
  const rank = shapeOf(lowering, node, node.inputs[0]).length
  const axis = positive(attrInt(node, 'axis', lowering.opset < 13 ? 1 : -1), rank)
  // Before operator set 13 all axes from this one on were one.
  if (lowering.opset < 13 && axis !== rank - 1)
    throw refuse(node, 'sums over several axes', 'Convert the model to operator set 13.')
  lowering.draft.give(outputOf(node), 'plain', 'Softmax', [await plain(lowering, node)], {
    name: 'Axis',
    value: { axis },
  })
}

/** To a shape that is known. */
const spread =
  (type: string): Rule =>
  async (lowering, node) => {
    const { draft } = lowering
    const dims = type === 'Tile' ? (await numbers(lowering, node, 1))! : [...shapeOf(lowering, node, outputOf(node))]
    draft.give(outputOf(node), 'plain', type, [await plain(lowering, node), draft.ints(dims)])
  }

async function argMax(lowering: Lowering, node: Node): Promise<void> {
  const { draft } = lowering
  const shape = shapeOf(lowering, node, outputOf(node))
  const rank = shapeOf(lowering, node, node.inputs[0]).length
  const axis = positive(attrInt(node, 'axis', 0), rank)
  if (attrInt(node, 'select_last_index', 0) !== 0) throw refuse(node, 'picks the last of equals', 'Pick the first.')
  const found = draft.inner(node.op, [await plain(lowering, node)], { name: 'ArgMax', value: { axis, topK: 1 } })
  giveReshaped(lowering, outputOf(node), found, shape)
}

async function cast(lowering: Lowering, node: Node): Promise<void> {
  const { draft, graph } = lowering
  const kind = (name: ValueName | null | undefined): string => {
    const dtype = name ? (graph.values.get(name)?.dtype ?? null) : null
    return isFloat(dtype) ? 'float' : dtype === 'bool' ? 'bool' : 'whole'
  }
  const [from, to] = [kind(node.inputs[0]), kind(node.outputs[0])]
  if (from === to || (from === 'bool' && to === 'whole')) return draft.alias(outputOf(node), node.inputs[0]!)
  const dstT = to === 'float' ? 1 : to === 'bool' ? 10 : 3
  draft.give(outputOf(node), 'plain', 'Cast', [await plain(lowering, node)], {
    name: 'CastParam',
    value: { srcT: 0, dstT },
  })
}

async function where(lowering: Lowering, node: Node): Promise<void> {
  const { draft } = lowering
  const inputs = []
  for (const name of node.inputs) inputs.push(await draft.use(name!, 'plain'))
  draft.give(outputOf(node), 'plain', 'Select', inputs)
}

/** Truths are 0 and 1. */
async function not(lowering: Lowering, node: Node): Promise<void> {
  const { draft } = lowering
  const inputs = [draft.ints([1], []), await plain(lowering, node)]
  draft.give(outputOf(node), 'plain', 'BinaryOp', inputs, { name: 'BinaryOp', value: { opType: 1, T: 3 } })
}

const depthSpace: Rule = async (lowering, node) => {
  const mode = attrString(node, 'mode', 'DCR') === 'CRD' ? 1 : 0
  lowering.draft.give(outputOf(node), 'plain', node.op, [await plain(lowering, node)], {
    name: 'DepthSpaceParam',
    value: { blockSize: attrInt(node, 'blocksize', 1), mode },
  })
}

const same: Rule = ({ draft }, node) => draft.alias(outputOf(node), node.inputs[0]!)

export const rules: Readonly<Record<string, Rule>> = {
  ...Object.fromEntries(Object.entries(unaries).map(([op, type]) => [op, unary(type)])),
  ...Object.fromEntries(
    Object.entries(binaries).map(([op, type]): [string, Rule] => [op, (l, node) => binary(l, node, type)]),
  ),
  ...Object.fromEntries(Object.keys(reductions).map((op): [string, Rule] => [op, reduce])),
  Conv: conv,
  ConvTranspose: conv,
  Gemm: gemm,
  MatMul: matMul,
  AveragePool: pool,
  MaxPool: pool,
  GlobalAveragePool: pool,
  GlobalMaxPool: pool,
  Resize: resize,
  Upsample: resize,
  Relu: (lowering, node) => elementwise(lowering, node, 'ReLU', { name: 'Relu', value: { slope: 0 } }),
  LeakyRelu: (lowering, node) =>
    elementwise(lowering, node, 'ReLU', { name: 'Relu', value: { slope: attrFloat(node, 'alpha', 0.01) } }),
  Elu: (lowering, node) =>
    elementwise(lowering, node, 'ELU', { name: 'ELU', value: { alpha: attrFloat(node, 'alpha', 1) } }),
  Gelu: (lowering, node) => unary(attrString(node, 'approximate', 'none') === 'tanh' ? 32 : 33)(lowering, node),
  Clip: clip,
  HardSigmoid: hardSigmoid,
  PRelu: prelu,
  BatchNormalization: batchNorm,
  LayerNormalization: layerNorm,
  Softmax: softmax,
  Reshape: reshape,
  Flatten: reshape,
  Squeeze: reshape,
  Unsqueeze: reshape,
  Slice: slice,
  Split: split,
  Concat: concat,
  Transpose: transpose,
  Gather: gather,
  Pad: pad,
  Expand: spread('BroadcastTo'),
  Tile: spread('Tile'),
  ArgMax: argMax,
  ArgMin: argMax,
  Cast: cast,
  Where: where,
  Not: not,
  DepthToSpace: depthSpace,
  SpaceToDepth: depthSpace,
  Identity: same,
  Dropout: same,
}
