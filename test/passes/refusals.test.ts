// Candidates that must stay, each with the reason that the report gives.
import { beforeAll, expect, test } from 'vitest'
import { infer } from '../../src/ops/infer.ts'
import { type PassId, passes } from '../../src/stages/passes/index.ts'
import type { Pass } from '../../src/stages/passes/types.ts'
import { type BuildOptions, build } from '../build.ts'
import { createTestContext } from '../runner.ts'

let ctx: Awaited<ReturnType<typeof createTestContext>>
beforeAll(async () => {
  ctx = await createTestContext()
})

const bn = 'BatchNormalization(c, f32[2], f32[2], f32[2], f32[2]{1..2})'

const cases: [PassId, string, RegExp, BuildOptions?][] = [
  ['unlist-initializers', 'graph (x: f32[4], t: f32[]{0.5}) -> (y) { y = Mul(x, t) }', /another value/],
  [
    'constants-to-initializers',
    'graph (x: f32[2]) -> (y, c) { c = Constant() {value_float=1.0} y = Add(x, c) }',
    /output of the graph/,
  ],
  ['fold-shapes', 'graph (x: f32[N,3]) -> (y) { y = Shape(x) }', /dimension is not known/],
  ['fold-shapes', 'graph (x: f32[2,3]) -> (y) { y = Shape(x) }', /output of the graph/],
  [
    'fold-shapes',
    'graph (x: f32[N,M,4]) -> (y) { s = Shape(x) a = Gather(s, i64[1]{1}) b = Gather(s, i64[1]{0}) t = Concat(a, b, i64[1]{4}) {axis=0} y = Reshape(x, t) }',
    /more than one entry/,
  ],
  [
    'fold-constants',
    'graph (x: f32[2]) -> (y) { r = RandomNormalLike(f32[2]{1}) y = Add(x, r) }',
    /same result every time/,
  ],
  [
    'fold-constants',
    'graph (x: f32[1]) -> (y) { e = Expand(f32[1]{2}, i64[1]{1000000}) y = Add(x, e) }',
    /much larger/,
  ],
  [
    'fold-constants',
    'graph (x: f32[2]) -> (y) { d = DequantizeLinear(i8[2], f32[]{0.5}) y = Add(x, d) }',
    /quantised weights small/,
  ],
  ['fold-constants', 'graph (x: f32[2]) -> (y, k) { k = Exp(f32[2]) y = Add(x, k) }', /output of the graph/],
  ['eliminate-identity', 'graph (x: f32[2]) -> (y) { y = Identity(x) }', /name of the graph output/],
  ['eliminate-identity', 'graph (x: f32[2]) -> (y) { y = Add(x, f32[]{0}) }', /-0/],
  [
    'eliminate-identity',
    'graph (x: f32[2], t: bool[]) -> (y) { d = Dropout(x, f32[]{0.5}, t) y = Neg(d) }',
    /training/,
  ],
  ['eliminate-common-subexpressions', 'graph (x: f32[2]) -> (y, z) { y = Exp(x) z = Exp(x) }', /both give outputs/],
  ['eliminate-clip', 'graph (x: f32[2]) -> (y) { a = Clip(x, f32[]{-1}, f32[]{0}) y = Relu(a) }', /overlap/],
  [
    'fuse-batch-norm',
    `graph (x: f32[1,2,4,4]) -> (y, c) { c = Conv(x, f32[2,2,1,1]) y = ${bn} }`,
    /output of the graph/,
  ],
  [
    'fuse-batch-norm',
    `graph (x: f32[1,2,4,4]) -> (y, z) { c = Conv(x, f32[2,2,1,1]) y = ${bn} z = Relu(c) }`,
    /used by 2 nodes/,
  ],
  [
    'fuse-batch-norm',
    `graph (x: f32[1,2,4,4], w: f32[2,2,1,1]) -> (y) { c = Conv(x, w) y = ${bn} }`,
    /weights of c are not constant/,
  ],
  ['fuse-batch-norm', `graph (c: f32[1,2,4,4]) -> (y) { y = ${bn} }`, /no Conv/],
  [
    'fuse-batch-norm',
    `graph (x: f32[1,2,4,4]) -> (y) { c = Conv(x, f32[2,2,1,1]) y, m, v = ${bn} {training_mode=1} }`,
    /training/,
  ],
  [
    'fuse-batch-norm',
    'graph (x: f32[1,2,4,4]) -> (y) { c = Conv(x, f32[2,2,1,1]) y = BatchNormalization(c, f32[2], f32[2], f32[2], f32[2]{0}) {epsilon=0.0} }',
    /not be finite/,
  ],
  [
    'fold-add',
    'graph (x: f32[1,2,4,4]) -> (y) { c = Conv(x, f32[2,2,1,1]) y = Add(c, f32[4]) }',
    /one number per channel/,
  ],
  [
    'fold-add',
    'graph (x: f32[1,2,4,4]) -> (y) { c = Conv(x, f32[2,2,1,1]) y = Add(c, f32[3,1,1,1]) }',
    /one number per channel/,
  ],
  ['fold-mul', 'graph (x: f32[1,2,4,4]) -> (y) { c = Conv(x, f32[2,2,1,1]) y = Div(f32[]{1}, c) }', /divisor/],
  ['fuse-matmul-add', 'graph (x: f32[2,3,4]) -> (y) { m = MatMul(x, f32[4,5]) y = Add(m, f32[5]) }', /two dimensions/],
  ['fuse-matmul-add', 'graph (x: f32[2,4]) -> (y) { m = MatMul(x, f32[4,2]) y = Add(m, f32[2,1]) }', /per column/],
  [
    'fuse-layer-norm',
    `graph (x: f32[2,8]) -> (y) {
      m = ReduceMean(x) {axes=[-1]} d = Sub(x, m) p = Pow(d, f32[]{2}) v = ReduceMean(p) {axes=[-1]}
      e = Add(v, f32[]{0.001}) s = Sqrt(e) n = Div(d, s) y = Mul(n, f32[8])
    }`,
    /came with 17/,
    { opset: 12 },
  ],
  [
    'fuse-gelu',
    'graph (x: f32[8]) -> (y) { d = Div(x, f32[]{1.4142135}) e = Erf(d) a = Add(e, f32[]{1}) m = Mul(x, a) y = Mul(m, f32[]{0.5}) }',
    /came with 20/,
  ],
  [
    'fuse-hard-swish',
    'graph (x: f32[8]) -> (y) { h = HardSigmoid(x) {alpha=0.16666667, beta=0.5} y = Mul(h, x) }',
    /came with 14/,
    { opset: 13 },
  ],
  [
    'fold-pad',
    'graph (x: f32[1,2,4,4]) -> (y) { p = Pad(x, i64[8]{0,0,1,1,0,0,1,1}, f32[]{1}) y = Conv(p, f32[2,2,3,3]) }',
    /not pad with zeros/,
  ],
  [
    'fold-pad',
    'graph (x: f32[1,2,4,4]) -> (y) { p = Pad(x, i64[8]{0,1,1,1,0,0,1,1}) y = Conv(p, f32[2,3,3,3]) }',
    /batch or channels/,
  ],
  [
    'fold-pad',
    'graph (x: f32[1,2,4,4]) -> (y) { p = Pad(x, i64[8]{0,0,1,1,0,0,1,1}) {mode="edge"} y = Conv(p, f32[2,2,3,3]) }',
    /with a constant/,
  ],
  [
    'fold-pad',
    'graph (x: f32[1,2,4,4]) -> (y) { p = Pad(x, i64[8]{0,0,1,1,0,0,1,1}) y = AveragePool(p) {kernel_shape=[3,3], pads=[1,1,1,1]} }',
    /does not count/,
  ],
  [
    'merge-slices',
    'graph (x: f32[8,8]) -> (y) { a = Slice(x, i64[1]{1}, i64[1]{7}, i64[1]{0}) y = Slice(a, i64[1]{1}, i64[1]{3}, i64[1]{0}) }',
    /same axis/,
  ],
  [
    'cancel-transposes',
    'graph (x: f32[2,3], u: f32[3,2]) -> (y) { a = Transpose(x) {perm=[1,0]} y = Add(a, u) }',
    /as many as it removes/,
  ],
  [
    'cancel-reshapes',
    'graph (x: f32[N,M,K]) -> (y) { a = Flatten(x) y = Unsqueeze(a, i64[1]{0}) }',
    /not known well enough/,
  ],
]

test.each(cases)('%s leaves %s: %s', async (id, text, why, options) => {
  const model = infer(build(text, options))
  const pass: Pass = passes.find(p => p.id === id)!
  const result = await pass.run(model, ctx)
  expect(result.skipped.map(s => s.why).join('; ')).toMatch(why)
  expect(result.model).toBe(model)
})
