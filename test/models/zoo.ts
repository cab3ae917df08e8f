// Small networks, one for each way that networks are built, with what pruning must make of them, worked out by hand.

export interface Specimen {
  name: string
  text: string
  opset?: number
  /** Channels that may go, by the first layer that makes them. */
  groups: Readonly<Record<string, number>>
  /** Weights and parameters without half of the channels of each group. */
  half: Readonly<Record<string, readonly number[]>>
  /** Attribute `group` of convolutions with half of their channels. */
  halfGroups?: Readonly<Record<string, number>>
  /** Layers whose channels stay. */
  whole?: readonly string[]
}

/** Global pooling and a classifier of 5 over `name`, with `channels`. */
const classifier = (name: string, channels: number): string => `
  pooled = GlobalAveragePool(${name})
  row = Flatten(pooled)
  y = Gemm(row, head: f32[${channels},5], f32[5])`

const attention = (from: string, name: string, perm: string): string => `
  ${name}m = MatMul(${from}, w${name}: f32[16,12])
  ${name}b = Add(${name}m, b${name}: f32[12])
  ${name}r = Reshape(${name}b, i64[4]{0,0,4,3})
  ${name}t = Transpose(${name}r) {perm=[${perm}]}`

const p1 = 'pads=[1,1,1,1]'

export const zoo: readonly Specimen[] = [
  {
    name: 'residual sums',
    text: `graph (x: f32[N,3,8,8]) -> (y) {
      a = Conv(x, wa: f32[16,3,3,3], ba: f32[16]) {${p1}}
      b = Conv(a, wb: f32[8,16,3,3]) {${p1}}
      br = Relu(b)
      c = Conv(br, wc: f32[16,8,3,3]) {${p1}}
      s = Add(c, a)
      r = Relu(s)
      ${classifier('r', 16)}
    }`,
    groups: { a: 16, b: 8 },
    half: { wa: [8, 3, 3, 3], ba: [8], wb: [4, 8, 3, 3], wc: [8, 4, 3, 3], head: [8, 5] },
    whole: ['y'],
  },
  {
    name: 'a residual sum with a projection on the shortcut',
    text: `graph (x: f32[N,3,8,8]) -> (y) {
      a = Conv(x, wa: f32[8,3,3,3]) {${p1}}
      b = Conv(a, wb: f32[12,8,3,3]) {${p1}, strides=[2,2]}
      br = Relu(b)
      c = Conv(br, wc: f32[20,12,3,3]) {${p1}}
      d = Conv(a, wd: f32[20,8,1,1]) {strides=[2,2]}
      s = Add(c, d)
      ${classifier('s', 20)}
    }`,
    groups: { a: 8, b: 12, c: 20 },
    half: { wb: [6, 4, 3, 3], wc: [10, 6, 3, 3], wd: [10, 4, 1, 1], head: [10, 5] },
  },
  {
    name: 'dense concatenations',
    text: `graph (x: f32[N,3,8,8]) -> (y) {
      a = Conv(x, wa: f32[8,3,3,3]) {${p1}}
      b = Conv(a, wb: f32[4,8,3,3]) {${p1}}
      ab = Concat(a, b) {axis=1}
      c = Conv(ab, wc: f32[6,12,3,3]) {${p1}}
      abc = Concat(ab, c) {axis=1}
      n = BatchNormalization(abc, scale: f32[18], f32[18], f32[18], f32[18]{0.5..1.5})
      d = Conv(n, wd: f32[10,18,1,1])
      ${classifier('d', 10)}
    }`,
    groups: { a: 8, b: 4, c: 6, d: 10 },
    half: { wb: [2, 4, 3, 3], wc: [3, 6, 3, 3], scale: [9], wd: [5, 9, 1, 1], head: [5, 5] },
  },
  {
    name: 'inverted residuals with depthwise convolutions',
    text: `graph (x: f32[N,3,8,8]) -> (y) {
      a = Conv(x, wa: f32[8,3,3,3]) {${p1}}
      e = Conv(a, we: f32[48,8,1,1])
      er = Clip(e, f32[]{0}, f32[]{6})
      d = Conv(er, wd: f32[48,1,3,3], bd: f32[48]) {${p1}, group=48}
      dr = Clip(d, f32[]{0}, f32[]{6})
      p = Conv(dr, wp: f32[8,48,1,1])
      s = Add(p, a)
      ${classifier('s', 8)}
    }`,
    groups: { a: 8, e: 48 },
    half: { wa: [4, 3, 3, 3], we: [24, 4, 1, 1], wd: [24, 1, 3, 3], bd: [24], wp: [4, 24, 1, 1] },
    halfGroups: { d: 24 },
  },
  {
    name: 'many small groups, which go as a whole',
    text: `graph (x: f32[N,3,8,8]) -> (y) {
      a = Conv(x, wa: f32[32,3,1,1])
      b = Conv(a, wb: f32[32,4,3,3]) {${p1}, group=8}
      c = Conv(b, wc: f32[6,32,1,1])
      ${classifier('c', 6)}
    }`,
    groups: { a: 8, c: 6 },
    half: { wa: [16, 3, 1, 1], wb: [16, 4, 3, 3], wc: [3, 16, 1, 1] },
    halfGroups: { b: 4 },
  },
  {
    name: 'two wide groups, each of which loses as many',
    text: `graph (x: f32[N,3,8,8]) -> (y) {
      a = Conv(x, wa: f32[16,3,1,1])
      b = Conv(a, wb: f32[12,8,3,3]) {${p1}, group=2}
      c = Conv(b, wc: f32[6,12,1,1])
      ${classifier('c', 6)}
    }`,
    groups: { a: 8, b: 6, c: 6 },
    half: { wa: [8, 3, 1, 1], wb: [6, 4, 3, 3], wc: [3, 6, 1, 1] },
    halfGroups: { b: 2 },
  },
  {
    name: 'squeeze and excite',
    text: `graph (x: f32[N,3,8,8]) -> (y) {
      a = Conv(x, wa: f32[16,3,3,3]) {${p1}}
      g = GlobalAveragePool(a)
      q = Conv(g, wq: f32[4,16,1,1], f32[4])
      qr = Relu(q)
      e = Conv(qr, we: f32[16,4,1,1], f32[16])
      gate = HardSigmoid(e)
      m = Mul(a, gate)
      ${classifier('m', 16)}
    }`,
    groups: { a: 16, q: 4 },
    half: { wa: [8, 3, 3, 3], wq: [2, 8, 1, 1], we: [8, 2, 1, 1], head: [8, 5] },
  },
  {
    name: 'pixels shuffled to a larger map',
    text: `graph (x: f32[N,3,8,8]) -> (y) {
      a = Conv(x, wa: f32[8,3,3,3]) {${p1}}
      u = Conv(a, wu: f32[16,8,3,3]) {${p1}}
      d = DepthToSpace(u) {blocksize=2, mode="CRD"}
      y = Conv(d, wy: f32[3,4,3,3]) {${p1}}
    }`,
    groups: { a: 8, u: 4 },
    half: { wu: [8, 4, 3, 3], wy: [3, 2, 3, 3] },
    whole: ['y'],
  },
  {
    name: 'a shortcut that is sliced and padded',
    text: `graph (x: f32[N,3,8,8]) -> (y) {
      a = Conv(x, wa: f32[8,3,3,3]) {${p1}}
      b = Conv(a, wb: f32[16,8,3,3]) {${p1}, strides=[2,2]}
      half = Slice(a, i64[2]{0,0}, i64[2]{99,99}, i64[2]{2,3}, i64[2]{2,2})
      wide = Pad(half, pads: i64[8]{0,4,0,0,0,4,0,0})
      s = Add(b, wide)
      ${classifier('s', 16)}
    }`,
    // Eight in the middle go with the narrow map, eight at the ends alone.
    groups: { a: 8, b: 8 },
    half: { wa: [4, 3, 3, 3], wb: [8, 4, 3, 3], head: [8, 5] },
  },
  {
    name: 'parts, of which one takes another way',
    text: `graph (x: f32[N,3,8,8]) -> (y) {
      a = Conv(x, wa: f32[16,3,3,3]) {${p1}}
      one, two = Split(a, i64[2]{6,10}) {axis=1}
      b = Conv(one, wb: f32[8,6,3,3]) {${p1}}
      c = Concat(b, two) {axis=1}
      ${classifier('c', 18)}
    }`,
    groups: { a: 6, 'a:2': 10, b: 8 },
    half: { wa: [8, 3, 3, 3], wb: [4, 3, 3, 3], head: [9, 5] },
  },
  {
    name: 'a gate of one half for the other',
    text: `graph (x: f32[N,3,8,8]) -> (y) {
      a = Conv(x, wa: f32[16,3,3,3], ba: f32[16]) {${p1}}
      one, two = Split(a, i64[2]{8,8}) {axis=1}
      gate = Sigmoid(two)
      m = Mul(one, gate)
      ${classifier('m', 8)}
    }`,
    groups: { a: 8 },
    half: { wa: [8, 3, 3, 3], ba: [8], head: [4, 5] },
  },
  {
    name: 'a map and cheap copies of it side by side',
    text: `graph (x: f32[N,3,8,8]) -> (y) {
      a = Conv(x, wa: f32[8,3,1,1])
      d = Conv(a, wd: f32[8,1,3,3]) {${p1}, group=8}
      both = Concat(a, d) {axis=1}
      b = Conv(both, wb: f32[6,16,1,1])
      ${classifier('b', 6)}
    }`,
    groups: { a: 8, b: 6 },
    half: { wa: [4, 3, 1, 1], wd: [4, 1, 3, 3], wb: [3, 8, 1, 1] },
    halfGroups: { d: 4 },
  },
  {
    name: 'transposed convolutions',
    text: `graph (x: f32[N,3,4,4]) -> (y) {
      a = Conv(x, wa: f32[8,3,3,3]) {${p1}}
      t = ConvTranspose(a, wt: f32[8,6,2,2], bt: f32[6]) {strides=[2,2]}
      r = Relu(t)
      y = Conv(r, wy: f32[3,6,3,3]) {${p1}}
    }`,
    groups: { a: 8, t: 6 },
    half: { wt: [4, 3, 2, 2], bt: [3], wy: [3, 3, 3, 3] },
  },
  {
    name: 'one weight for two layers',
    text: `graph (x: f32[N,3,8,8]) -> (y) {
      a = Conv(x, wa: f32[8,3,3,3]) {${p1}}
      b = Conv(a, w: f32[8,8,1,1])
      r = Relu(b)
      c = Conv(r, w)
      ${classifier('c', 8)}
    }`,
    groups: { a: 8 },
    half: { wa: [4, 3, 3, 3], w: [4, 4, 1, 1], head: [4, 5] },
  },
  {
    name: 'BatchNormalizations as they were trained',
    text: `graph (x: f32[N,3,8,8]) -> (y) {
      a = Conv(x, wa: f32[8,3,3,3]) {${p1}}
      n = BatchNormalization(a, scale: f32[8], shift: f32[8], mean: f32[8], var: f32[8]{0.5..1.5})
      r = Relu(n)
      b = Conv(r, wb: f32[10,8,3,3]) {${p1}}
      m = BatchNormalization(b, f32[10], f32[10], f32[10], f32[10]{0.5..1.5})
      ${classifier('m', 10)}
    }`,
    groups: { a: 8, b: 10 },
    half: { wa: [4, 3, 3, 3], scale: [4], shift: [4], mean: [4], var: [4], wb: [5, 4, 3, 3] },
  },
  {
    name: 'attention, LayerNormalization and a wide layer',
    opset: 20,
    text: `graph (x: f32[N,10,16]) -> (y) {
      n = LayerNormalization(x, f32[16], f32[16]) {axis=-1}
      ${attention('n', 'q', '0,2,1,3')} ${attention('n', 'k', '0,2,3,1')} ${attention('n', 'v', '0,2,1,3')}
      qk = MatMul(qt, kt)
      p = Softmax(qk) {axis=-1}
      m = MatMul(p, vt)
      mt = Transpose(m) {perm=[0,2,1,3]}
      mr = Reshape(mt, i64[3]{0,0,12})
      o = MatMul(mr, wo: f32[12,16])
      z = Add(o, x)
      zn = LayerNormalization(z, f32[16], f32[16]) {axis=-1}
      h = MatMul(zn, w1: f32[16,40])
      hb = Add(h, b1: f32[40])
      e = Gelu(hb)
      y = MatMul(e, w2: f32[40,16])
    }`,
    groups: { qm: 4, h: 40 },
    half: { wq: [16, 6], bq: [6], wk: [16, 6], wv: [16, 6], wo: [6, 16], w1: [16, 20], b1: [20], w2: [20, 16] },
    whole: ['o', 'y'],
  },
  {
    name: 'a map flattened for a product',
    text: `graph (x: f32[N,3,8,8]) -> (y) {
      a = Conv(x, wa: f32[8,3,3,3]) {${p1}, strides=[2,2]}
      row = Flatten(a)
      h = Gemm(row, wh: f32[20,128], bh: f32[20]) {transB=1}
      r = Relu(h)
      y = Gemm(r, wy: f32[20,5])
    }`,
    groups: { a: 8, h: 20 },
    half: { wa: [4, 3, 3, 3], wh: [10, 64], bh: [10], wy: [10, 5] },
  },
  {
    name: 'channels last, reshaped to a row',
    text: `graph (x: f32[N,3,8,8]) -> (y) {
      a = Conv(x, wa: f32[8,3,3,3]) {${p1}, strides=[2,2]}
      last = Transpose(a) {perm=[0,2,3,1]}
      row = Reshape(last, to: i64[2]{0,128})
      y = MatMul(row, wy: f32[128,5])
    }`,
    groups: { a: 8 },
    half: { wa: [4, 3, 3, 3], wy: [64, 5], to: [2] },
  },
  {
    name: 'a U-Net: down, up again, and past both',
    text: `graph (x: f32[N,3,8,8]) -> (y) {
      a = Conv(x, wa: f32[8,3,3,3]) {${p1}}
      down = MaxPool(a) {kernel_shape=[2,2], strides=[2,2]}
      b = Conv(down, wb: f32[12,8,3,3]) {${p1}}
      up = Resize(b, f32[0]{}, f32[4]{1,1,2,2}) {mode="linear"}
      both = Concat(a, up) {axis=1}
      c = Conv(both, wc: f32[6,20,3,3]) {${p1}}
      y = Conv(c, wy: f32[2,6,1,1])
    }`,
    groups: { a: 8, b: 12, c: 6 },
    half: { wb: [6, 4, 3, 3], wc: [3, 10, 3, 3], wy: [2, 3, 1, 1] },
  },
  {
    name: 'an LSTM, which stays whole, over columns of a map',
    text: `graph (x: f32[N,3,4,10]) -> (y) {
      a = Conv(x, wa: f32[8,3,3,3]) {${p1}}
      columns = ReduceMean(a) {axes=[2], keepdims=0}
      steps = Transpose(columns) {perm=[2,0,1]}
      out, last = LSTM(steps, w: f32[1,24,8], r: f32[1,24,6], f32[1,48]) {hidden_size=6}
      one = Squeeze(last, i64[1]{0})
      h = Gemm(one, wh: f32[6,12])
      y = Gemm(h, wy: f32[12,5])
    }`,
    groups: { a: 8, h: 12 },
    half: { wa: [4, 3, 3, 3], w: [1, 24, 4], r: [1, 24, 6], wh: [6, 6], wy: [6, 5] },
  },
  {
    name: 'a GRU of two directions between products',
    text: `graph (x: f32[7,N,6]) -> (y) {
      a = MatMul(x, wa: f32[6,10])
      ar = Relu(a)
      out = GRU(ar, w: f32[2,12,10], r: f32[2,12,4], f32[2,24]) {hidden_size=4, direction="bidirectional"}
      sum = ReduceSum(out, i64[1]{1}) {keepdims=0}
      y = MatMul(sum, wy: f32[4,3])
    }`,
    groups: { a: 10 },
    half: { wa: [6, 5], w: [2, 12, 5], r: [2, 12, 4], wy: [4, 3] },
  },
  {
    name: 'channels shuffled between groups',
    text: `graph (x: f32[N,3,8,8]) -> (y) {
      a = Conv(x, wa: f32[12,3,3,3]) {${p1}}
      five = Reshape(a, i64[5]{0,2,6,8,8})
      turned = Transpose(five) {perm=[0,2,1,3,4]}
      four = Reshape(turned, i64[4]{0,12,8,8})
      b = Conv(four, wb: f32[8,12,1,1])
      ${classifier('b', 8)}
    }`,
    groups: { a: 6, b: 8 },
    half: { wa: [6, 3, 3, 3], wb: [4, 6, 1, 1], head: [4, 5] },
  },
  {
    name: 'PReLU with a slope of each channel',
    text: `graph (x: f32[N,3,8,8]) -> (y) {
      a = Conv(x, wa: f32[8,3,3,3]) {${p1}}
      r = PRelu(a, slope: f32[8,1,1])
      b = Conv(r, wb: f32[6,8,3,3]) {${p1}}
      ${classifier('b', 6)}
    }`,
    groups: { a: 8, b: 6 },
    half: { wa: [4, 3, 3, 3], slope: [4, 1, 1], wb: [3, 4, 3, 3] },
  },
  {
    name: 'two heads over two scales',
    text: `graph (x: f32[N,3,8,8]) -> (boxes, classes) {
      a = Conv(x, wa: f32[8,3,3,3]) {${p1}}
      b = Conv(a, wb: f32[12,8,3,3]) {${p1}, strides=[2,2]}
      la = Conv(a, wla: f32[8,8,1,1])
      lat = Transpose(la) {perm=[0,2,3,1]}
      lar = Reshape(lat, i64[3]{0,-1,4})
      lb = Conv(b, wlb: f32[8,12,1,1])
      lbt = Transpose(lb) {perm=[0,2,3,1]}
      lbr = Reshape(lbt, i64[3]{0,-1,4})
      boxes = Concat(lar, lbr) {axis=1}
      ca = Conv(a, wca: f32[6,8,1,1])
      cat = Transpose(ca) {perm=[0,2,3,1]}
      car = Reshape(cat, i64[3]{0,-1,3})
      classes = Softmax(car) {axis=-1}
    }`,
    groups: { a: 8, b: 12 },
    half: { wa: [4, 3, 3, 3], wb: [6, 4, 3, 3], wla: [8, 4, 1, 1], wlb: [8, 6, 1, 1], wca: [6, 4, 1, 1] },
    whole: ['la', 'lb', 'ca'],
  },
  {
    name: 'convolutions over one axis, with dilations',
    text: `graph (x: f32[N,2,32]) -> (y) {
      a = Conv(x, wa: f32[8,2,3]) {pads=[1,1]}
      g = Tanh(a)
      b = Conv(g, wb: f32[8,8,3]) {pads=[2,2], dilations=[2]}
      s = Add(b, a)
      m = GlobalMaxPool(s)
      row = Flatten(m)
      y = Gemm(row, wy: f32[8,3])
    }`,
    groups: { a: 8 },
    half: { wa: [4, 2, 3], wb: [4, 4, 3], wy: [4, 3] },
  },
]
