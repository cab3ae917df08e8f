// For each pass, graphs in which it has something to do.

import type { PassId } from '../../src/stages/passes/index.ts'
import type { BuildOptions } from '../build.ts'

export interface Case {
  text: string
  options?: BuildOptions
  irVersion?: number
}

const one = (text: string, options: BuildOptions = {}): Case => ({ text, options })

const gelu = (x: string, y: string): string => `
  ${y}_d = Div(${x}, f32[]{1.4142135})
  ${y}_e = Erf(${y}_d)
  ${y}_a = Add(${y}_e, f32[]{1})
  ${y}_m = Mul(${x}, ${y}_a)
  ${y} = Mul(${y}_m, f32[]{0.5})`

export const cases: Record<PassId, Case[]> = {
  'unlist-initializers': [
    {
      text: `graph (x: f32[1,3,4,4], w: f32[2,3,1,1]{0.5}, lo: f32[]{-0.1}) -> (y) { c = Conv(x, w) y = Clip(c, lo) }`,
    },
    {
      text: `graph (x: f32[1,4], c: f32[4]{0.5}) -> (y) { y = Mul(x, c) }`,
      irVersion: 3,
    },
  ],
  'constants-to-initializers': [
    one(`graph (x: f32[2,3]) -> (y, z) {
      a = Constant() {value=f32[3]{1,2,3}}
      b = Constant() {value_float=0.5}
      c = Constant() {value_ints=[3,2]}
      d = Constant() {value_floats=[0.25,4.0]}
      i = Constant() {value_int=1}
      p = Mul(x, a)
      q = Mul(p, b)
      y = Reshape(q, c)
      g = Gather(d, i)
      z = Add(y, g)
    }`),
    one(`graph (x: f32[2], t: bool[]) -> (y) {
      k = Constant() {value=f32[2]{1,2}}
      y = If(t) {then_branch=graph () -> (u) { u = Add(x, k) }, else_branch=graph () -> (v) { v = Mul(x, k) }}
    }`),
  ],
  'fold-shapes': [
    one(`graph (x: f32[N,3,4,5]) -> (y) {
      s = Shape(x)
      c = Gather(s, i64[1]{1})
      n = Gather(s, i64[1]{0})
      h = Gather(s, i64[]{2})
      w = Gather(s, i64[]{3})
      hw = Mul(h, w)
      u = Unsqueeze(hw, i64[1]{0})
      t = Concat(n, c, u) {axis=0}
      y = Reshape(x, t)
    }`),
    one(`graph (x: f32[2,6]) -> (y) {
      n = Size(x)
      f = Cast(n) {to=1}
      y = Div(x, f)
    }`),
    one(`graph (x: f32[N,2,3]) -> (y) {
      s = Shape(x) {start=0, end=1}
      t = Concat(s, i64[1]{-1}) {axis=0}
      y = Reshape(x, t)
    }`),
  ],
  'fold-constants': [
    one(`graph (x: f32[2,3]) -> (y) {
      a = Exp(f32[3]{0,1,2})
      b = Add(a, f32[]{1})
      y = Mul(x, b)
    }`),
    one(`graph (x: f32[4]) -> (y, z) {
      s, t = Split(f32[8]{1,2,3,4,5,6,7,8}, i64[2]{4,4})
      y = Add(x, s)
      z = Mul(x, t)
    }`),
    one(`graph (x: f32[2], t: bool[]) -> (y) {
      k = Neg(f32[2]{1,2})
      y = If(t) {then_branch=graph () -> (u) { u = Add(x, k) }, else_branch=graph () -> (v) { v = Mul(x, k) }}
    }`),
  ],
  'eliminate-identity': [
    one(`graph (x: f32[2,3]) -> (y, z) {
      a = Identity(x)
      b = Relu(a)
      c = Identity(b)
      z = Identity(c)
      y = Sigmoid(c)
    }`),
    one(
      `graph (x: f32[N,3,4,5]) -> (y) {
      a = Cast(x) {to=1}
      b = Reshape(a, i64[4]{0,3,4,5})
      c = Transpose(b) {perm=[0,1,2,3]}
      d = Pad(c, i64[8]{0})
      e = Slice(d, i64[1]{0}, i64[1]{9223372036854775807}, i64[1]{2})
      f = Concat(e) {axis=1}
      g = Expand(f, i64[1]{1})
      h = Mul(g, f32[1,3,1,1]{1})
      i = Div(h, f32[]{1})
      j = Sub(i, f32[]{0})
      k = Add(j, f32[]{-0})
      l, m = Dropout(k)
      n = Squeeze(l, i64[0]{})
      o = Tile(n, i64[4]{1})
      p = Sum(o)
      y = Relu(p)
    }`
        .replace('      n = Squeeze(l, i64[0]{})\n', '')
        .replace('Tile(n', 'Tile(l'),
    ),
    one(`graph (x: f32[2], t: bool[]) -> (y) {
      r = Neg(x)
      k = Identity(r)
      y = If(t) {then_branch=graph () -> (u) { u = Add(x, k) }, else_branch=graph () -> (v) { v = Mul(x, k) }}
    }`),
  ],
  'eliminate-clip': [
    one(`graph (x: f32[40]) -> (a, b, c, d) {
      r = Relu(x)
      a1 = Relu(r)
      a = Neg(a1)
      q = Relu(x)
      b = Clip(q, f32[]{0}, f32[]{0.5})
      p = Clip(x, f32[]{0}, f32[]{0.25})
      c1 = Relu(p)
      c = Neg(c1)
      s = Clip(x, f32[]{-0.5}, f32[]{0.5})
      t = Clip(s, f32[]{-1}, f32[]{1})
      d = Neg(t)
    }`),
    one(`graph (x: f32[40]) -> (y) { a = Clip(x) {min=-1.0, max=1.0} y = Clip(a) {min=-0.5, max=0.5} }`, { opset: 9 }),
  ],
  'eliminate-dead-code': [
    one(`graph (x: f32[4]) -> (y) {
      a = Exp(x)
      b = Add(a, f32[4])
      y = Relu(x)
    }`),
  ],
  'eliminate-common-subexpressions': [
    one(`graph (x: f32[2,8]) -> (y, z) {
      a = Slice(x, i64[1]{1}, i64[1]{3}, i64[1]{1})
      b = Slice(x, i64[1]{1}, i64[1]{3}, i64[1]{1})
      c = Exp(a)
      d = Exp(b)
      y = Add(c, d)
      z = Exp(b)
    }`),
    one(`graph (x: f32[2], t: bool[]) -> (y) {
      k = Neg(x)
      l = Neg(x)
      m = Mul(k, l)
      y = If(t) {then_branch=graph () -> (u) { u = Add(m, l) }, else_branch=graph () -> (v) { v = Mul(m, l) }}
    }`),
    one(
      `graph (x: f32[2,8]) -> (y) { a, b = Split(x) {axis=1} c, d = Split(x) {axis=1} e = Add(a, d) y = Sub(e, b) }`,
      { opset: 11 },
    ),
  ],
  'fuse-batch-norm': [
    one(`graph (x: f32[2,3,8,8]) -> (y) {
      c = Conv(x, f32[4,3,3,3], f32[4]) {pads=[1,1,1,1]}
      y = BatchNormalization(c, f32[4], f32[4], f32[4], f32[4]{0.5..2})
    }`),
    one(`graph (x: f32[2,4,5,5]) -> (y) {
      c = ConvTranspose(x, f32[4,3,3,3]) {group=2, strides=[2,2]}
      y = BatchNormalization(c, f32[6], f32[6], f32[6], f32[6]{0.5..2}) {epsilon=0.01}
    }`),
    one(`graph (x: f32[2,5]) -> (y) {
      c = Gemm(x, f32[5,3], f32[3]) {alpha=0.5, beta=2.0}
      y = BatchNormalization(c, f32[3], f32[3], f32[3], f32[3]{0.5..2})
    }`),
    one(
      `graph (x: f32[2,4,6,6]) -> (y) {
      c = Conv(x, f32[4,1,3,3]) {group=4}
      y = BatchNormalization(c, f32[4], f32[4], f32[4], f32[4]{0.5..2})
    }`,
      { opset: 9 },
    ),
  ],
  'fold-mul': [
    one(`graph (x: f32[2,3,6,6]) -> (y, z) {
      c = Conv(x, f32[4,3,3,3], f32[4])
      y = Mul(c, f32[4,1,1])
      d = Conv(x, f32[4,3,3,3])
      z = Div(d, f32[]{3})
    }`),
    one(`graph (x: f32[2,5]) -> (y) { c = Gemm(x, f32[3,5], f32[1,3]) {transB=1} y = Mul(f32[3], c) }`),
    one(`graph (x: f32[1,2,4]) -> (y) { c = ConvTranspose(x, f32[2,3,2], f32[3]) y = Mul(c, f32[1,3,1]) }`),
  ],
  'fold-add': [
    one(`graph (x: f32[2,3,6,6]) -> (y, z) {
      c = Conv(x, f32[4,3,3,3])
      y = Add(c, f32[1,4,1,1])
      d = Conv(x, f32[4,3,3,3], f32[4])
      e = Sub(d, f32[4,1,1])
      z = Sub(f32[]{2}, e)
    }`),
    one(`graph (x: f32[2,5]) -> (y) { c = Gemm(x, f32[5,3], f32[]{0.5}) {beta=2.0} y = Add(f32[3], c) }`),
  ],
  'fuse-matmul-add': [
    one(`graph (x: f32[N,5]) -> (y) { m = MatMul(x, f32[5,3]) y = Add(m, f32[3]) }`),
    one(`graph (x: f32[2,5]) -> (y) { m = MatMul(x, f32[5,3]) y = Add(f32[]{0.5}, m) }`),
  ],
  'fuse-layer-norm': [
    one(`graph (x: f32[2,3,8]) -> (y) {
      m = ReduceMean(x) {axes=[-1]}
      d = Sub(x, m)
      p = Pow(d, f32[]{2})
      v = ReduceMean(p) {axes=[2]}
      e = Add(v, f32[]{0.001})
      s = Sqrt(e)
      n = Div(d, s)
      g = Mul(n, f32[8]{0.5..2})
      y = Add(g, f32[8])
    }`),
    one(
      `graph (x: f32[2,3,8]) -> (y) {
      m = ReduceMean(x, i64[2]{1,2})
      d = Sub(x, m)
      p = Mul(d, d)
      v = ReduceMean(p, i64[2]{-2,-1})
      e = Add(f32[]{0.001}, v)
      s = Sqrt(e)
      n = Div(d, s)
      y = Mul(f32[3,8]{0.5..2}, n)
    }`,
      { opset: 18 },
    ),
  ],
  'fuse-gelu': [
    one(`graph (x: f32[2,8]) -> (y) { ${gelu('x', 'y')} }`, { opset: 20 }),
    one(
      `graph (x: f32[2,8], g: f32[2,8]) -> (y) {
      e = Erf(m) m = Mul(x, f32[]{0.70710678}) a = Add(f32[]{1}, e) h = Mul(f32[]{0.5}, x) u = Mul(h, a) y = Mul(u, g)
    }`,
      { opset: 20 },
    ),
    one(
      `graph (x: f32[2,8]) -> (y) {
      c = Pow(x, f32[]{3})
      k = Mul(c, f32[]{0.044715})
      s = Add(x, k)
      t = Mul(s, f32[]{0.7978846})
      h = Tanh(t)
      a = Add(h, f32[]{1})
      b = Mul(x, a)
      y = Mul(f32[]{0.5}, b)
    }`,
      { opset: 20 },
    ),
  ],
  'fuse-hard-sigmoid': [
    one(`graph (x: f32[40]) -> (y) { a = Add(x, f32[]{3}) c = Clip(a, f32[]{0}, f32[]{6}) y = Div(c, f32[]{6}) }`),
  ],
  'fuse-hard-swish': [
    one(`graph (x: f32[40]) -> (y) {
      a = Add(x, f32[]{3}) c = Clip(a, f32[]{0}, f32[]{6}) m = Mul(x, c) y = Div(m, f32[]{6})
    }`),
    one(`graph (x: f32[40]) -> (y) { h = HardSigmoid(x) {alpha=0.16666667, beta=0.5} y = Mul(h, x) }`),
  ],
  'fold-pad': [
    one(`graph (x: f32[1,2,6,6]) -> (y) {
      p = Pad(x, i64[8]{0,0,1,2,0,0,0,1}) y = Conv(p, f32[3,2,3,3]) {pads=[1,0,0,1]}
    }`),
    one(
      `graph (x: f32[1,2,6,6]) -> (y) {
      p = Pad(x, i64[4]{1,1,1,1}, _, i64[2]{2,-1}) y = AveragePool(p) {kernel_shape=[3,3]}
    }`,
      { opset: 18 },
    ),
    one(`graph (x: f32[1,2,6,6]) -> (y) { p = Pad(x) {pads=[0,0,1,1,0,0,1,1]} y = Conv(p, f32[3,2,3,3]) }`, {
      opset: 9,
    }),
  ],
  'decompose-gelu': [
    one(`graph (x: f32[2,8]) -> (y) { y = Gelu(x) }`, { opset: 20 }),
    one(`graph (x: f32[2,8]) -> (y) { y = Gelu(x) {approximate="tanh"} }`, { opset: 20 }),
  ],
  'decompose-hard-swish': [one(`graph (x: f32[40]) -> (y) { y = HardSwish(x) }`)],
  'decompose-hard-sigmoid': [
    one(`graph (x: f32[40]) -> (y) { y = HardSigmoid(x) }`),
    one(`graph (x: f32[40]) -> (y) { y = HardSigmoid(x) {alpha=0.16666667, beta=0.5} }`),
  ],
  'split-heads': [
    one(`graph (x: f32[2,5,24]) -> (y) {
      r = Reshape(x, i64[5]{0,5,3,2,4}) t = Transpose(r) {perm=[2,0,3,1,4]}
      qs = Slice(t, i64[1]{0}, i64[1]{1}, i64[1]{0}) q = Squeeze(qs, i64[1]{0})
      ks = Slice(t, i64[1]{1}, i64[1]{2}, i64[1]{0}) k = Squeeze(ks, i64[1]{0}) kt = Transpose(k) {perm=[0,1,3,2]}
      v = Gather(t, i64[]{2}) a = MatMul(q, kt) y = MatMul(a, v)
    }`),
  ],
  'decompose-layer-norm': [
    one(`graph (x: f32[2,3,8]) -> (y) { y = LayerNormalization(x, f32[8], f32[8]) }`),
    one(`graph (x: f32[2,3,8]) -> (y) { y = LayerNormalization(x, f32[3,8]) {axis=1, epsilon=0.01} }`, { opset: 18 }),
  ],
  'merge-slices': [
    one(`graph (x: f32[2,3,8,8]) -> (y) {
      a = Slice(x, i64[1]{0}, i64[1]{9223372036854775807}, i64[1]{2}, i64[1]{2})
      y = Slice(a, i64[1]{1}, i64[1]{9223372036854775807}, i64[1]{-1}, i64[1]{2})
    }`),
    one(
      `graph (x: f32[2,3,8]) -> (y) { a = Slice(x) {starts=[1], ends=[3], axes=[1]} y = Slice(a) {starts=[2], ends=[7], axes=[2]} }`,
      { opset: 9 },
    ),
  ],
  'cancel-transposes': [
    one(`graph (x: f32[2,3,4,5]) -> (y, z) {
      a = Transpose(x) {perm=[0,2,3,1]}
      b = Transpose(a) {perm=[0,3,1,2]}
      y = Relu(b)
      c = Transpose(a) {perm=[1,0,2,3]}
      z = Relu(c)
    }`),
    one(`graph (x: f32[2,3,4,5], u: f32[2,3,4,5]) -> (y) {
      a = Transpose(x) {perm=[0,2,3,1]}
      v = Transpose(u) {perm=[0,2,3,1]}
      b = Add(a, f32[3])
      c = Mul(b, v)
      d = Mul(c, f32[4,5,1])
      s = Sigmoid(d)
      k = Concat(s, b) {axis=3}
      l = Clip(k, f32[]{-1}, f32[]{1})
      r = ReduceMax(l) {axes=[1,2]}
      q = Sub(l, r)
      e = Slice(q, i64[1]{1}, i64[1]{4}, i64[1]{3})
      y = Transpose(e) {perm=[0,3,1,2]}
    }`),
    one(
      `graph (x: f32[2,3,4], u: f32[2,4,3]) -> (y, z) {
      a = Transpose(x) {perm=[0,2,1]}
      b = Relu(a)
      c = Sigmoid(b)
      y = Transpose(b) {perm=[0,2,1]}
      w = Transpose(c) {perm=[0,2,1]}
      z = Add(c, u)
      n = Neg(w)
      t = Exp(n)
    }`.replace('-> (y, z)', '-> (y, z, t)'),
    ),
  ],
  'cancel-reshapes': [
    one(`graph (x: f32[N,3,4,5]) -> (y, z) {
      a = Flatten(x)
      b = Unsqueeze(a, i64[1]{2})
      y = Reshape(b, i64[3]{-1,12,5})
      c = Reshape(x, i64[2]{0,-1})
      d = Reshape(c, i64[4]{0,3,4,5})
      z = Relu(d)
    }`),
  ],
}
