// Networks with one peculiarity each, quantised and run: what the runtime gives is close to the float model, and the outside of the
// model is as it was.
import { beforeAll, describe, expect, test } from 'vitest'
import type { Context } from '../../src/ir/context.ts'
import type { Model } from '../../src/ir/model.ts'
import { verify } from '../../src/ir/verify.ts'
import { build } from '../build.ts'
import { type Played, play, testContext } from './played.ts'

let ctx: Context
beforeAll(async () => {
  ctx = await testContext()
})

interface Case {
  text: string
  opset?: number
  /** Operators that stay float, in graph order. */
  float?: string[]
}

const image = 'x: f32[N,4,8,8]'
const conv = (name: string, input: string, from: number, to: number): string =>
  `${name} = Conv(${input}, ${name}_w: f32[${to},${from},3,3], ${name}_b: f32[${to}]) {pads=[1,1,1,1]}`

const cases: Record<string, Case> = {
  'convolution without bias': { text: `graph (${image}) -> (y) { y = Conv(x, w: f32[6,4,3,3]) }` },
  'grouped convolution': { text: `graph (${image}) -> (y) { y = Conv(x, w: f32[6,2,3,3], b: f32[6]) {group=2} }` },
  'depthwise convolution': { text: `graph (${image}) -> (y) { y = Conv(x, w: f32[4,1,3,3], b: f32[4]) {group=4} }` },
  '1-D convolution': { text: `graph (x: f32[N,4,20]) -> (y) { y = Conv(x, w: f32[6,4,5], b: f32[6]) }` },
  '3-D convolution': {
    text: `graph (x: f32[N,2,4,4,4]) -> (y) { y = Conv(x, w: f32[3,2,3,3,3], b: f32[3]) }`,
  },
  'dilated and strided convolution': {
    text: `graph (${image}) -> (y) { y = Conv(x, w: f32[6,4,3,3]) {dilations=[2,2], strides=[2,1], pads=[2,2,2,2]} }`,
  },
  'convolution with auto_pad': {
    text: `graph (${image}) -> (y) { y = Conv(x, w: f32[6,4,3,3]) {auto_pad="SAME_UPPER", strides=[2,2]} }`,
  },
  'convolution padded at one side': {
    text: `graph (${image}) -> (y) { y = Conv(x, w: f32[6,4,3,3]) {pads=[0,1,1,0]} }`,
  },
  'transposed convolution': {
    text: `graph (${image}) -> (y) { ${conv('a', 'x', 4, 4)} y = ConvTranspose(a, w: f32[4,3,2,2], b: f32[3]) {strides=[2,2]} }`,
    float: ['ConvTranspose'],
  },
  'Gemm as it is': { text: `graph (x: f32[N,12]) -> (y) { y = Gemm(x, w: f32[12,5], b: f32[5]) }` },
  'Gemm transposed': { text: `graph (x: f32[N,12]) -> (y) { y = Gemm(x, w: f32[5,12], b: f32[5]) {transB=1} }` },
  'Gemm with a bias of [1,N]': {
    text: `graph (x: f32[N,12]) -> (y) { y = Gemm(x, w: f32[5,12], b: f32[1,5]) {transB=1} }`,
  },
  'Gemm with a scalar bias': {
    text: `graph (x: f32[N,12]) -> (y) { y = Gemm(x, w: f32[5,12], b: f32[]{0.5}) {transB=1} }`,
  },
  'Gemm with a bias of one number': {
    text: `graph (x: f32[N,12]) -> (y) { y = Gemm(x, w: f32[5,12], b: f32[1]{0.5}) {transB=1} }`,
  },
  'Gemm with a bias over rows': {
    text: `graph (x: f32[5,12]) -> (y) { y = Gemm(x, w: f32[5,12], b: f32[5,1]) {transB=1} }`,
    float: ['Gemm'],
  },
  'Gemm without bias': { text: `graph (x: f32[N,12]) -> (y) { y = Gemm(x, w: f32[5,12]) {transB=1} }` },
  'Gemm with alpha and beta': {
    text: `graph (x: f32[N,12]) -> (y) { y = Gemm(x, w: f32[5,12], b: f32[5]) {transB=1, alpha=0.5, beta=2.0} }`,
    float: ['Gemm'],
  },
  'Gemm, Relu, Gemm': {
    text: `graph (x: f32[N,12]) -> (y) {
      a = Gemm(x, w: f32[16,12], b: f32[16]) {transB=1}
      r = Relu(a)
      y = Gemm(r, v: f32[5,16], c: f32[5]) {transB=1}
    }`,
  },
  'matrix product of three axes': { text: `graph (x: f32[N,3,12]) -> (y) { y = MatMul(x, w: f32[12,5]) }` },
  'matrix products with bias and Relu': {
    text: `graph (x: f32[N,3,12]) -> (y) {
      a = MatMul(x, w: f32[12,16])
      s = Add(a, b: f32[16])
      r = Relu(s)
      m = MatMul(r, v: f32[16,8])
      q = Relu(m)
      y = MatMul(q, u: f32[8,5])
    }`,
  },
  'matrix product of two activations': {
    text: `graph (x: f32[N,3,12]) -> (y) {
      a = MatMul(x, w: f32[12,8])
      b = MatMul(x, v: f32[12,8])
      t = Transpose(b) {perm=[0,2,1]}
      y = MatMul(a, t)
    }`,
    float: ['Transpose', 'MatMul'],
  },
  'Add and Mul with constants, Concat with a constant': {
    text: `graph (${image}) -> (y) {
      ${conv('a', 'x', 4, 6)}
      p = Add(a, k: f32[6,1,1])
      m = Mul(s: f32[]{0.7}, p)
      c = Concat(m, z: f32[1,2,8,8]) {axis=1}
      y = Conv(c, w: f32[3,8,1,1])
    }`.replace('N,', '1,'),
  },
  'one weight in two nodes': {
    text: `graph (${image}) -> (y) {
      a = Conv(x, w: f32[4,4,3,3], b: f32[4]) {pads=[1,1,1,1]}
      y = Conv(a, w, c: f32[4])
    }`,
  },
  'one matrix as weight along both axes': {
    text: `graph (x: f32[N,6]) -> (y) {
      a = MatMul(x, w: f32[6,6])
      r = Relu(a)
      y = Gemm(r, w, b: f32[6]) {transB=1}
    }`,
  },
  'one vector as bias and as operand': {
    text: `graph (x: f32[N,6]) -> (y) {
      a = Gemm(x, w: f32[6,6], b: f32[6])
      s = Add(a, b)
      y = Gemm(s, v: f32[6,6])
    }`,
  },
  'one weight in an integer and in a float node': {
    text: `graph (x: f32[N,6]) -> (y, z) {
      y = MatMul(x, w: f32[6,6])
      s = Sin(x)
      z = Sub(s, w)
    }`.replace('N,', '6,'),
    float: ['Sin', 'Sub'],
  },
  'one value twice in a node': {
    text: `graph (${image}) -> (y) {
      ${conv('a', 'x', 4, 4)}
      s = Add(a, a)
      c = Concat(s, s) {axis=1}
      y = Conv(c, w: f32[3,8,1,1])
    }`,
  },
  'output that is read inside': {
    text: `graph (${image}) -> (a, y) { ${conv('a', 'x', 4, 4)} ${conv('y', 'a', 4, 4)} }`,
  },
  'input that is an output': {
    text: `graph (${image}) -> (x, y) { ${conv('y', 'x', 4, 4)} }`,
  },
  'outputs of every kind': {
    text: `graph (${image}) -> (f, a, r, g) {
      ${conv('a', 'x', 4, 4)}
      r = Relu(a)
      ${conv('c', 'r', 4, 4)}
      p = GlobalAveragePool(c)
      f = Flatten(p)
      g = Gemm(f, w: f32[4,3])
    }`,
    float: ['Relu'],
  },
  'Relu whose input has two readers': {
    text: `graph (${image}) -> (y) {
      ${conv('a', 'x', 4, 4)}
      r = Relu(a)
      ${conv('c', 'r', 4, 4)}
      s = Add(a, c)
      ${conv('y', 's', 4, 4)}
    }`,
    float: ['Relu'],
  },
  Relu6: {
    text: `graph (${image}) -> (y) { ${conv('a', 'x', 4, 4)} r = Clip(a, f32[]{0}, f32[]{6}) ${conv('y', 'r', 4, 4)} }`,
  },
  'Clip on both sides': {
    text: `graph (${image}) -> (y) { ${conv('a', 'x', 4, 4)} r = Clip(a, f32[]{-0.3}, f32[]{0.7}) ${conv('y', 'r', 4, 4)} }`,
  },
  'Clip with an open side': {
    text: `graph (${image}) -> (y) { ${conv('a', 'x', 4, 4)} r = Clip(a, _, f32[]{0.3}) ${conv('y', 'r', 4, 4)} }`,
  },
  'Clip that leaves zero out': {
    text: `graph (${image}) -> (y) { ${conv('a', 'x', 4, 4)} r = Clip(a, f32[]{0.25}, f32[]{1}) ${conv('y', 'r', 4, 4)} }`,
    float: ['Clip'],
  },
  'Clip with a computed bound': {
    text: `graph (${image}, top: f32[]) -> (y) { ${conv('a', 'x', 4, 4)} r = Clip(a, f32[]{-9}, top) ${conv('y', 'r', 4, 4)} }`,
    float: ['Clip'],
  },
  'zero-filled channel': {
    text: `graph (${image}) -> (y) { y = Conv(x, w: f32[2,4,1,1]{0,0,0,0,0.5,-0.25,1,0.125}, b: f32[2]{0.75,-0.5}) }`,
  },
  'weights of zero': { text: `graph (${image}) -> (y) { y = Conv(x, w: f32[2,4,1,1]{0}, b: f32[2]{0.75,-0.5}) }` },
  'constant activations': {
    text: `graph (${image}) -> (y) { z = Mul(x, f32[]{0}) k = Add(z, f32[]{0.25}) y = Conv(k, w: f32[2,4,1,1], b: f32[2]) }`,
    float: ['Mul', 'Add'],
  },
  'activations of zero behind a Clip': {
    text: `graph (${image}) -> (y) {
      a = Conv(x, v: f32[4,4,1,1]{0}, b: f32[4]{-1})
      r = Clip(a, f32[]{0}, f32[]{6})
      y = Conv(r, w: f32[2,4,1,1], c: f32[2]{0.5})
    }`,
  },
  'moves between integers': {
    text: `graph (${image}) -> (y) {
      ${conv('a', 'x', 4, 4)}
      p = MaxPool(a) {kernel_shape=[2,2], strides=[2,2]}
      u = Resize(p, _, f32[4]{1,1,2,2}) {mode="nearest", nearest_mode="floor", coordinate_transformation_mode="asymmetric"}
      t = Transpose(u) {perm=[0,2,3,1]}
      v = Reshape(t, i64[4]{0,4,16,4})
      q = Transpose(v) {perm=[0,3,1,2]}
      e = Unsqueeze(q, i64[1]{2})
      s = Squeeze(e, i64[1]{2})
      l = Slice(s, i64[1]{1}, i64[1]{15}, i64[1]{3})
      ${conv('y', 'l', 4, 4)}
    }`,
  },
  'Resize that interpolates': {
    text: `graph (${image}) -> (y) {
      ${conv('a', 'x', 4, 4)}
      u = Resize(a, _, f32[4]{1,1,2,2}) {mode="linear"}
      ${conv('y', 'u', 4, 4)}
    }`,
    float: ['Resize'],
  },
  'residual chain': {
    text: `graph (${image}) -> (y) {
      ${conv('a', 'x', 4, 4)}
      ra = Relu(a)
      ${conv('b', 'ra', 4, 4)}
      s = Add(b, ra)
      rs = Relu(s)
      ${conv('c', 'rs', 4, 4)}
      t = Add(rs, c)
      rt = Relu(t)
      g = GlobalAveragePool(rt)
      f = Flatten(g)
      y = Gemm(f, w: f32[4,10], bb: f32[10])
    }`,
  },
  'squeeze and excitation': {
    text: `graph (${image}) -> (y) {
      ${conv('a', 'x', 4, 4)}
      g = GlobalAveragePool(a)
      h = Conv(g, v: f32[4,4,1,1], bv: f32[4])
      k = Sigmoid(h)
      m = Mul(a, k)
      l = LeakyRelu(m) {alpha=0.1}
      p = AveragePool(l) {kernel_shape=[2,2], strides=[2,2], count_include_pad=1, pads=[1,1,0,0]}
      ${conv('y', 'p', 4, 4)}
    }`,
  },
  'If that reads a quantised value': {
    text: `graph (${image}, c: bool[]) -> (y, z) {
      ${conv('a', 'x', 4, 4)}
      ${conv('y', 'a', 4, 4)}
      z = If(c) {
        then_branch = graph () -> (t) { t = Neg(a) },
        else_branch = graph () -> (e) { e = Abs(a) }
      }
    }`,
    float: ['If'],
  },
  LSTM: {
    text: `graph (x: f32[5,1,6]) -> (y) {
      h = LSTM(x, w: f32[1,16,6], r: f32[1,16,4], b: f32[1,32]) {hidden_size=4}
      s = Squeeze(h, i64[1]{1})
      y = MatMul(s, v: f32[4,3])
    }`,
    float: ['LSTM', 'Squeeze'],
  },
  'operators on constants': {
    text: `graph (${image}) -> (y) {
      k = Reshape(f32[4], i64[4]{1,4,1,1})
      ${conv('a', 'x', 4, 4)}
      s = Add(a, k)
      ${conv('y', 's', 4, 4)}
    }`,
  },
  'MaxPool that gives positions': {
    text: `graph (${image}) -> (y, i) {
      ${conv('a', 'x', 4, 4)}
      p, i = MaxPool(a) {kernel_shape=[2,2], strides=[2,2]}
      ${conv('y', 'p', 4, 4)}
    }`,
    float: ['MaxPool'],
  },
  'opset 9': {
    text: `graph (${image}) -> (y) {
      ${conv('a', 'x', 4, 4)}
      r = Clip(a) {min=0.0, max=6.0}
      u = Unsqueeze(r) {axes=[2]}
      s = Squeeze(u) {axes=[2]}
      ${conv('y', 's', 4, 4)}
    }`,
    opset: 9,
  },
  'opset 23': {
    text: `graph (${image}) -> (y) { ${conv('a', 'x', 4, 4)} r = Relu(a) ${conv('y', 'r', 4, 4)} }`,
    opset: 23,
  },
}

function check(model: Model, played: Played): void {
  const { variant, sqnr } = played
  verify(variant.model.graph)
  expect(variant.model.graph.inputs).toEqual(model.graph.inputs)
  expect(variant.model.graph.outputs).toEqual(model.graph.outputs)
  for (const name of [...model.graph.inputs, ...model.graph.outputs].filter(n => model.graph.values.get(n)?.shape))
    expect(variant.model.graph.values.get(name)?.shape).toEqual(model.graph.values.get(name)?.shape)
  expect(variant.model.meta).toEqual(model.meta)
  for (const [name, db] of Object.entries(sqnr)) expect(db, `SQNR of ${name}`).toBeGreaterThan(25)
}

describe.each([true, false])('quantised, optimised before: %s', optimized => {
  test.each(Object.entries(cases))('%s', async (name, { text, opset, float }) => {
    const model = build(text, { opset, meta: { made: 'by hand' } })
    const played = await play(model, ctx, { optimized, name: `${name} ${optimized}` })
    check(model, played)
    if (optimized) expect(played.variant.plan!.float.map(f => f.op)).toEqual(float ?? [])
  })
})
