// Whole networks whose gradients are compared with PyTorch's: text, and seeded arrays that neither fade nor explode on their way.
import { viewAs } from '../../../src/base/dtype.ts'
import { createRng } from '../../../src/base/rng.ts'
import type { Model, ValueName } from '../../../src/ir/model.ts'
import { floats, type NdArray } from '../../../src/ir/tensor.ts'
import { build } from '../../build.ts'

class Text {
  readonly lines: string[] = []
  private next = 0
  add(op: string): string {
    const name = `v${++this.next}`
    this.lines.push(`${name} = ${op.replaceAll('#', `${this.next}`)}`)
    return name
  }
  model(inputs: string, outputs: string[], shapes: string[] = []): Model {
    return build(`graph (${inputs}) -> (${outputs.join(', ')}) {\n${[...this.lines, ...shapes].join('\n')}\n}`)
  }
}

function resnet20(): Model {
  const t = new Text()
  const conv = (x: string, from: number, to: number, stride: number): string => {
    const y = t.add(`Conv(${x}, w#: f32[${to},${from},3,3]) {pads=[1,1,1,1], strides=[${stride},${stride}]}`)
    return t.add(
      `BatchNormalization(${y}, scale#: f32[${to}], bias#: f32[${to}], mean#: f32[${to}], var#: f32[${to}]) {training_mode=1}`,
    )
  }
  let x = t.add(`Relu(${conv('x', 3, 16, 1)})`)
  let from = 16
  for (const to of [16, 32, 64])
    for (let block = 0; block < 3; block++) {
      const stride = to !== from ? 2 : 1
      const branch = conv(t.add(`Relu(${conv(x, from, to, stride)})`), to, to, 1)
      const shortcut =
        stride === 1 ? x : t.add(`Conv(${x}, w#: f32[${to},${from},1,1]) {strides=[${stride},${stride}]}`)
      x = t.add(`Relu(${t.add(`Add(${branch}, ${shortcut})`)})`)
      from = to
    }
  const y = t.add(
    `Gemm(${t.add(`Flatten(${t.add(`GlobalAveragePool(${x})`)})`)}, w#: f32[10,64], b#: f32[10]) {transB=1}`,
  )
  return t.model('x: f32[4,3,16,16]', [y])
}

function mobileNet(): Model {
  const t = new Text()
  const clip = (x: string): string => t.add(`Clip(${x}, low#: f32[]{0}, high#: f32[]{6})`)
  const conv = (x: string, from: number, to: number, kernel: number, attrs: string): string =>
    t.add(`Conv(${x}, w#: f32[${to},${from},${kernel},${kernel}], b#: f32[${to}]) {${attrs}}`)
  const norm = (x: string, n: number): string =>
    t.add(`BatchNormalization(${x}, scale#: f32[${n}], bias#: f32[${n}], mean#: f32[${n}], var#: f32[${n}])`)
  let x = clip(norm(conv('x', 3, 8, 3, 'strides=[2,2], pads=[1,1,1,1]'), 8))
  let from = 8
  for (const [to, stride] of [
    [8, 1],
    [12, 2],
    [12, 1],
  ]) {
    const wide = 4 * from
    const up = clip(norm(conv(x, from, wide, 1, ''), wide))
    const deep = clip(norm(conv(up, 1, wide, 3, `group=${wide}, strides=[${stride},${stride}], pads=[1,1,1,1]`), wide))
    const down = norm(conv(deep, wide, to, 1, ''), to)
    x = to === from && stride === 1 ? t.add(`Add(${x}, ${down})`) : down
    from = to
  }
  const y = t.add(`Gemm(${t.add(`Flatten(${t.add(`GlobalAveragePool(${x})`)})`)}, w#: f32[12,7], b#: f32[7])`)
  return t.model('x: f32[2,3,20,20]', [y])
}

function uNet(): Model {
  const t = new Text()
  const twice = (x: string, from: number, to: number): string => {
    const a = t.add(`Relu(${t.add(`Conv(${x}, w#: f32[${to},${from},3,3], b#: f32[${to}]) {pads=[1,1,1,1]}`)})`)
    return t.add(
      `Relu(${t.add(`Conv(${a}, w#: f32[${to},${to},3,3], b#: f32[${to}]) {pads=[2,2,2,2], dilations=[2,2]}`)})`,
    )
  }
  const half = (x: string): string => t.add(`MaxPool(${x}) {kernel_shape=[2,2], strides=[2,2]}`)
  const a = twice('x', 2, 6)
  const b = twice(half(a), 6, 12)
  const c = twice(half(b), 12, 16)
  const up = t.add(`ConvTranspose(${c}, w#: f32[16,12,2,2], b#: f32[12]) {strides=[2,2]}`)
  const d = twice(t.add(`Concat(${up}, ${b}) {axis=1}`), 24, 12)
  const larger = t.add(`Resize(${d}, _, scales#: f32[4]{1, 1, 2, 2}) {mode="linear"}`)
  const e = twice(t.add(`Concat(${larger}, ${a}) {axis=1}`), 18, 6)
  return t.model('x: f32[2,2,16,16]', [t.add(`Sigmoid(${t.add(`Conv(${e}, w#: f32[1,6,1,1], b#: f32[1])`)})`)])
}

function encoder(): Model {
  const t = new Text()
  const [width, heads, length] = [16, 4, 6]
  const dense = (x: string, from: number, to: number): string =>
    t.add(`Add(${t.add(`MatMul(${x}, w#: f32[${from},${to}])`)}, b#: f32[${to}])`)
  const norm = (x: string): string => t.add(`LayerNormalization(${x}, scale#: f32[${width}], bias#: f32[${width}])`)
  const split = (x: string, perm: string): string =>
    t.add(`Transpose(${t.add(`Reshape(${x}, s#: i64[4]{0, ${length}, ${heads}, ${width / heads}})`)}) {perm=[${perm}]}`)
  const words = t.add(`Gather(table: f32[20,${width}], x)`)
  let x = norm(t.add(`Add(${words}, w#: f32[${length},${width}])`))
  for (let layer = 0; layer < 2; layer++) {
    const [q, k, v] = ['0,2,1,3', '0,2,3,1', '0,2,1,3'].map(perm => split(dense(x, width, width), perm))
    const scores = t.add(`Div(${t.add(`MatMul(${q}, ${k})`)}, root#: f32[]{2})`)
    const mixed = t.add(`MatMul(${t.add(`Softmax(${scores})`)}, ${v})`)
    const joined = t.add(
      `Reshape(${t.add(`Transpose(${mixed}) {perm=[0,2,1,3]}`)}, s#: i64[3]{0, ${length}, ${width}})`,
    )
    x = norm(t.add(`Add(${x}, ${dense(joined, width, width)})`))
    const wide = dense(x, width, 32)
    const root = t.add(`Mul(${wide}, root#: f32[]{0.70710678})`)
    const gate = t.add(`Mul(${t.add(`Add(${t.add(`Erf(${root})`)}, one#: f32[]{1})`)}, half#: f32[]{0.5})`)
    x = norm(t.add(`Add(${x}, ${dense(t.add(`Mul(${wide}, ${gate})`), 32, width)})`))
  }
  const first = t.add(`Squeeze(${t.add(`Slice(${x}, a#: i64[1]{0}, e#: i64[1]{1}, x#: i64[1]{1})`)}, s#: i64[1]{1})`)
  const y = t.add(`LogSoftmax(${dense(t.add(`Tanh(${dense(first, width, width)})`), width, 3)})`)
  return t.model(`x: i64[3,${length}]`, [y])
}

function yoloHead(): Model {
  const t = new Text()
  const silu = (x: string): string => t.add(`Mul(${x}, ${t.add(`Sigmoid(${x})`)})`)
  const conv = (x: string, from: number, to: number, kernel: number, stride = 1): string => {
    const pad = kernel >> 1
    return t.add(
      `Conv(${x}, w#: f32[${to},${from},${kernel},${kernel}], b#: f32[${to}]) {pads=[${pad},${pad},${pad},${pad}], strides=[${stride},${stride}]}`,
    )
  }
  const p3 = silu(conv('x', 3, 8, 3, 2))
  const p4 = t.add(`LeakyRelu(${conv(p3, 8, 16, 3, 2)}) {alpha=0.1}`)
  const pooled = [3, 5].map(k =>
    t.add(`MaxPool(${p4}) {kernel_shape=[${k},${k}], pads=[${k >> 1},${k >> 1},${k >> 1},${k >> 1}]}`),
  )
  const spp = silu(conv(t.add(`Concat(${[p4, ...pooled].join(', ')}) {axis=1}`), 48, 8, 1))
  const up = t.add(
    `Resize(${spp}, _, scales#: f32[4]{1, 1, 2, 2}) {mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"}`,
  )
  const fused = silu(conv(t.add(`Concat(${up}, ${p3}) {axis=1}`), 16, 8, 3))
  const flat = (x: string, places: number): string =>
    t.add(`Transpose(${t.add(`Reshape(${conv(x, 8, 9, 1)}, s#: i64[3]{0, 9, ${places}})`)}) {perm=[0,2,1]}`)
  const all = t.add(`Concat(${flat(fused, 64)}, ${flat(spp, 16)}) {axis=1}`)
  t.lines.push(`xy, wh, obj = Split(${all}, parts: i64[3]{2, 2, 5}) {axis=2}`)
  const centre = t.add(`Mul(${t.add(`Sigmoid(xy)`)}, grid: f32[80,2])`)
  const size = t.add(`Mul(${t.add(`Exp(${t.add(`Clip(wh, low#: f32[]{-4}, high#: f32[]{4})`)})`)}, anchors: f32[2])`)
  return t.model('x: f32[2,3,16,16]', [t.add(`Concat(${centre}, ${size}, ${t.add('Sigmoid(obj)')}) {axis=2}`)])
}

export const networks: Readonly<Record<string, () => Model>> = { resnet20, mobileNet, uNet, encoder, yoloHead }

const fanIn = (shape: readonly number[]): number => shape.slice(1).reduce((n, d) => n * d, 1)

/** Inputs and constants. */
export function arraysFor({ graph }: Model): Map<ValueName, NdArray> {
  const arrays = new Map<ValueName, NdArray>()
  for (const [name, value] of graph.values) {
    const rng = createRng(1, name)
    const shape = value.shape as number[]
    const count = shape?.reduce((n, d) => n * d, 1)
    const given = (draw: () => number): void => {
      arrays.set(name, floats(shape, Float32Array.from({ length: count }, draw)))
    }
    if (graph.inputs.includes(name)) {
      if (value.dtype === 'int64')
        arrays.set(name, {
          dtype: 'int64',
          shape,
          data: BigInt64Array.from({ length: count }, () => BigInt(rng.below(20))),
        })
      else given(() => rng.normal())
    } else if (value.data) {
      const { dtype, data } = value.data
      if (/^(w|table)/.test(name))
        given(() => rng.normal() * Math.sqrt(1.5 / fanIn(shape.length > 2 ? shape : [1, 16])))
      else if (/^(scale|var|anchors)\d*$/.test(name)) given(() => 0.5 + rng.uniform())
      else if (/^(b|bias|mean|grid)\d*$/.test(name)) given(() => 0.3 * rng.normal())
      else arrays.set(name, { dtype, shape, data: viewAs(dtype, data as Uint8Array) })
    }
  }
  return arrays
}

/** What is learned: all floats but statistics and fixed numbers. */
export const isLearned = (name: ValueName): boolean => /^(w|b|scale|bias|table)\d*$/.test(name)

/** The loss is the sum of the first output's elements times these. */
export const lossWeight = (i: number): number => Math.fround(((i * 7919) % 101) / 50 - 1)

/** Positions at which gradients are compared. */
export const sampledAt = (length: number): number[] =>
  Array.from({ length: Math.min(8, length) }, (_, k) => (k * 2654435761) % length)
