// Valid random graphs as text (after NNSmith, Liu et al. 2023: each step first picks an operator that the shapes allow). The batch is
// symbolic, so that shape computations are real ones.
import { createRng, type Rng } from '../../src/base/rng.ts'

interface Known {
  name: string
  dims: (number | 'N')[]
}

type Step = (x: Known, g: Growing) => Known | null

interface Growing {
  rng: Rng
  values: Known[]
  emit(op: string, operands: string, dims: Known['dims'], attrs?: string): Known
}

const pick = <T>(rng: Rng, items: readonly T[]): T => items[rng.below(items.length)]
const sameDims = (a: Known, b: Known): boolean => a.dims.join() === b.dims.join()
const image = (x: Known): x is Known & { dims: ['N', number, number, number] } =>
  x.dims.length === 4 && x.dims.every((d, i) => (i === 0) === (d === 'N'))

const unary: Step = (x, g) =>
  g.emit(
    pick(g.rng, ['Relu', 'Sigmoid', 'Neg', 'Identity', 'HardSwish', 'LeakyRelu', 'Abs', 'Relu', 'Dropout']),
    x.name,
    x.dims,
  )

const clip: Step = (x, g) =>
  g.emit('Clip', `${x.name}, f32[]{${pick(g.rng, [-1, 0])}}, f32[]{${pick(g.rng, [1, 6])}}`, x.dims)

const withConstant: Step = (x, g) => {
  const shape = pick(g.rng, ['', ...x.dims.map((_, axis) => oneAxis(x, axis)).filter(s => s !== null)])
  const op = pick(g.rng, ['Add', 'Sub', 'Mul', 'Div'])
  const value = op === 'Div' ? '{0.5..2}' : pick(g.rng, ['', '', '{1}', '{0}'])
  const constant = `f32[${shape}]${value}`
  return g.emit(op, op !== 'Div' && g.rng.below(3) === 0 ? `${constant}, ${x.name}` : `${x.name}, ${constant}`, x.dims)
}
const oneAxis = (x: Known, axis: number): string | null =>
  x.dims[axis] === 'N' ? null : x.dims.map((d, i) => (i === axis ? d : 1)).join()

const binary: Step = (x, g) => {
  const y = pick(
    g.rng,
    g.values.filter(v => sameDims(v, x)),
  )
  return g.emit(pick(g.rng, ['Add', 'Sub', 'Mul', 'Max']), `${x.name}, ${y.name}`, x.dims)
}

const conv: Step = (x, g) => {
  if (!image(x) || x.dims[1] > 16) return null
  const [, channels, height, width] = x.dims
  const out = 2 + g.rng.below(4)
  const bias = g.rng.below(2) ? `, f32[${out}]` : ''
  if (height < 3 || width < 3)
    return g.emit('Conv', `${x.name}, f32[${out},${channels},1,1]${bias}`, ['N', out, height, width])
  return g.emit('Conv', `${x.name}, f32[${out},${channels},3,3]${bias}`, ['N', out, height - 2, width - 2])
}

const batchNorm: Step = (x, g) => {
  if (!image(x)) return null
  const c = x.dims[1]
  return g.emit('BatchNormalization', `${x.name}, f32[${c}]{0.5..2}, f32[${c}], f32[${c}], f32[${c}]{0.5..2}`, x.dims)
}

const pad: Step = (x, g) => {
  if (!image(x)) return null
  const [a, b] = [g.rng.below(2), g.rng.below(2)]
  return g.emit('Pad', `${x.name}, i64[8]{0,0,${a},${b},0,0,${b},${a}}`, [
    'N',
    x.dims[1],
    x.dims[2] + a + b,
    x.dims[3] + a + b,
  ])
}

const transpose: Step = (x, g) => {
  if (x.dims.length < 2) return null
  const perms =
    x.dims.length === 4
      ? [
          [0, 2, 3, 1],
          [0, 3, 1, 2],
          [0, 2, 3, 1],
          [0, 3, 1, 2],
          [0, 1, 3, 2],
        ]
      : [x.dims.map((_, i) => x.dims.length - 1 - i)]
  const perm = pick(g.rng, perms)
  return g.emit(
    'Transpose',
    x.name,
    perm.map(axis => x.dims[axis]),
    `{perm=[${perm}]}`,
  )
}

const slice: Step = (x, g) => {
  const axis = x.dims.findIndex(d => d !== 'N' && d > 2)
  if (axis < 0) return null
  const whole = g.rng.below(3) === 0
  const dim = x.dims[axis] as number
  return g.emit(
    'Slice',
    `${x.name}, i64[1]{${whole ? 0 : 1}}, i64[1]{${whole ? '9223372036854775807' : dim}}, i64[1]{${axis}}`,
    x.dims.map((d, i) => (i === axis && !whole ? dim - 1 : d)),
  )
}

/** Reshape to [N, rest], with the target computed from the shape. */
const flatten: Step = (x, g) => {
  if (x.dims[0] !== 'N' || x.dims.length < 2) return null
  const rest = (x.dims.slice(1) as number[]).reduce((a, b) => a * b, 1)
  if (g.rng.below(2)) return g.emit('Flatten', x.name, ['N', rest])
  const shape = g.emit('Shape', x.name, [])
  const batch = g.emit('Gather', `${shape.name}, i64[1]{0}`, [])
  const target = g.emit('Concat', `${batch.name}, i64[1]{${pick(g.rng, [-1, rest])}}`, [], '{axis=0}')
  return g.emit('Reshape', `${x.name}, ${target.name}`, ['N', rest])
}

const unflatten: Step = (x, g) => {
  if (x.dims.length !== 2 || x.dims[0] !== 'N') return null
  const size = x.dims[1] as number
  const height = [4, 3, 2, 1].find(d => size % d === 0)!
  return g.emit('Reshape', `${x.name}, i64[4]{0,1,${height},${size / height}}`, ['N', 1, height, size / height])
}

const linear: Step = (x, g) => {
  if (x.dims.length !== 2 || x.dims[0] !== 'N' || (x.dims[1] as number) > 64) return null
  const out = 2 + g.rng.below(6)
  const product = g.emit('MatMul', `${x.name}, f32[${x.dims[1]},${out}]`, ['N', out])
  return g.emit('Add', `${product.name}, f32[${out}]`, ['N', out])
}

const concat: Step = (x, g) => {
  const axis = x.dims.length - 1
  if (x.dims[axis] === 'N' || (x.dims[axis] as number) > 12) return null
  return g.emit(
    'Concat',
    `${x.name}, ${x.name}`,
    x.dims.map((d, i) => (i === axis ? 2 * (d as number) : d)),
    `{axis=${axis}}`,
  )
}

const softmax: Step = (x, g) => g.emit('Softmax', x.name, x.dims, `{axis=${x.dims.length - 1}}`)
const mean: Step = (x, g) => {
  const axis = x.dims.length - 1
  return x.dims[axis] === 'N'
    ? null
    : g.emit(
        'ReduceMean',
        x.name,
        x.dims.map((d, i) => (i === axis ? 1 : d)),
        `{axes=[${axis}]}`,
      )
}

const steps: readonly Step[] = [
  unary,
  unary,
  clip,
  withConstant,
  withConstant,
  withConstant,
  binary,
  conv,
  conv,
  batchNorm,
  pad,
  transpose,
  transpose,
  transpose,
  slice,
  flatten,
  unflatten,
  linear,
  concat,
  softmax,
  mean,
]

/** The text of a graph of about `size` nodes. */
export function randomGraph(seed: number, size: number): string {
  const rng = createRng(seed, 'random graph')
  const lines: string[] = []
  const values: Known[] = [{ name: 'x', dims: ['N', 3, 6, 6] }]
  const emit: Growing['emit'] = (op, operands, dims, attrs = '') => {
    const name = `v${lines.length}`
    lines.push(`${name} = ${op}(${operands}) ${attrs}`)
    if (dims.length > 0) values.push({ name, dims })
    return { name, dims }
  }
  const g: Growing = { rng, values, emit }
  while (lines.length < size) {
    // Mostly the newest values, so that chains form.
    const x = values[Math.max(0, values.length - 1 - rng.below(rng.below(3) ? 2 : values.length))]
    const before = lines.length
    const made = pick(rng, steps)(x, g)
    // Now and then the same again, for common subexpressions.
    if (made && rng.below(8) === 0 && lines.length === before + 1)
      emit('Add', `${made.name}, ${repeat(lines, before, values, made)}`, made.dims)
  }
  const outputs = [values[values.length - 1].name]
  for (const v of values.slice(1, -1)) if (rng.below(12) === 0) outputs.push(v.name)
  return `graph (x: f32[N,3,6,6]) -> (${[...new Set(outputs)].join(', ')}) {\n  ${lines.join('\n  ')}\n}`
}

function repeat(lines: string[], at: number, values: Known[], made: Known): string {
  const name = `v${lines.length}`
  lines.push(lines[at].replace(`${made.name} =`, `${name} =`))
  values.push({ name, dims: made.dims })
  return name
}
