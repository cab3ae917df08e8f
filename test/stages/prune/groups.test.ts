// Which channels go together, worked out by hand.
import { describe, expect, test } from 'vitest'
import { attrInt } from '../../../src/ir/model.ts'
import { findGroups } from '../../../src/stages/prune/groups.ts'
import { removeChannels } from '../../../src/stages/prune/remove.ts'
import { build } from '../../build.ts'
import { createTestContext } from '../../runner.ts'

const sizes = (text: string, opset = 17): Record<string, number> =>
  Object.fromEntries(findGroups(build(text, { opset })).groups.map(g => [g.id, g.size]))
const reasons = (text: string, opset = 17) =>
  Object.fromEntries(findGroups(build(text, { opset })).skipped.map(s => [s.node, `${s.by ?? 'the model'} ${s.why}`]))

describe('groups', () => {
  test('a residual sum holds its two branches together, what lies inside a branch is free', () => {
    const text = `graph (x: f32[N,3,8,8]) -> (y) {
      a = Conv(x, w1: f32[8,3,1,1])
      b = Conv(a, w2: f32[6,8,1,1])
      c = Conv(b, w3: f32[8,6,1,1])
      s = Add(a, c)
      g = GlobalAveragePool(s)
      r = Flatten(g)
      y = Gemm(r, w4: f32[8,5])
    }`
    expect(sizes(text)).toEqual({ a: 8, b: 6 })
    const { groups } = findGroups(build(text))
    expect(groups[0].makers.map(m => m.value)).toEqual(['w1', 'w3'])
    expect(groups[0].readers.map(m => m.value)).toEqual(['w2', 'w4'])
  })

  test('a shortcut padded with zero channels ties the middle of the wider map to the narrow one', () => {
    const text = `graph (x: f32[N,3,8,8]) -> (y) {
      a = Conv(x, w1: f32[4,3,1,1])
      p = Pad(a, i64[8]{0,2,0,0,0,2,0,0})
      b = Conv(a, w2: f32[8,4,1,1])
      s = Add(b, p)
      y = Conv(s, w3: f32[2,8,1,1])
    }`
    const { groups } = findGroups(build(text))
    expect(groups.map(g => [g.id, g.size])).toEqual([
      ['a', 4],
      ['b', 4],
    ])
    const read = groups.map(g => g.readers.find(r => r.value === 'w3')!.at.flat())
    expect(read).toEqual([
      [2, 3, 4, 5],
      [0, 1, 6, 7],
    ])
  })

  test('attention heads go as a whole with what projects from and to them, its wide layer by single channels', () => {
    const head = (name: string, perm: string): string => `
      ${name}m = MatMul(x, w${name}: f32[16,12])
      ${name}b = Add(${name}m, b${name}: f32[12])
      ${name}r = Reshape(${name}b, s${name}: i64[4]{0,0,3,4})
      ${name}t = Transpose(${name}r) {perm=[${perm}]}`
    const text = `graph (x: f32[N,10,16]) -> (y) {
      ${head('q', '0,2,1,3')} ${head('k', '0,2,3,1')} ${head('v', '0,2,1,3')}
      qk = MatMul(qt, kt)
      p = Softmax(qk) {axis=-1}
      m = MatMul(p, vt)
      mt = Transpose(m) {perm=[0,2,1,3]}
      mr = Reshape(mt, sm: i64[3]{0,0,12})
      o = MatMul(mr, wo: f32[12,16])
      z = Add(o, x)
      h = MatMul(z, w1: f32[16,40])
      e = Gelu(h)
      y = MatMul(e, w2: f32[40,16])
    }`
    expect(sizes(text, 20)).toEqual({ qm: 3, h: 40 })
    const [heads] = findGroups(build(text, { opset: 20 })).groups
    expect(heads.makers.map(m => m.value)).toEqual(['wq', 'wk', 'wv'])
    expect(heads.readers.map(r => [r.value, r.at[1]])).toEqual([['wo', [4, 5, 6, 7]]])
    expect(reasons(text, 20).o).toBe('the model is an input of the model')
  })

  test('a channel of a map is many columns of the row that it becomes', () => {
    const text = `graph (x: f32[N,3,2,2]) -> (y) {
      a = Conv(x, w1: f32[3,3,1,1])
      r = Flatten(a)
      y = Gemm(r, w2: f32[12,5])
    }`
    const [group] = findGroups(build(text)).groups
    expect(group.readers[0].at[1]).toEqual([4, 5, 6, 7])
  })

  test('grouped convolutions lose as many channels of every group, or whole groups where these are many', async () => {
    const { bytes } = await createTestContext()
    const model = build(`graph (x: f32[N,3,4,4]) -> (y) {
      a = Conv(x, w1: f32[8,3,1,1])
      b = Conv(a, w2: f32[8,4,1,1]) {group=2}
      c = Conv(b, w3: f32[16,1,3,3]) {group=8}
      y = Conv(c, w4: f32[2,16,1,1])
    }`)
    const { groups } = findGroups(model)
    expect(groups.map(g => [g.id, g.size])).toEqual([
      ['a', 4],
      ['b', 4],
    ])
    const { graph } = await removeChannels(
      model,
      groups,
      new Map([
        ['a', [0]],
        ['b', [1, 2]],
      ]),
      bytes,
    )
    const shapes = ['w1', 'w2', 'w3', 'w4'].map(name => graph.values.get(name)!.shape)
    expect(shapes).toEqual([
      [6, 3, 1, 1],
      [4, 3, 1, 1],
      [8, 1, 3, 3],
      [2, 8, 1, 1],
    ])
    expect(graph.nodes.map(n => attrInt(n, 'group', 1))).toEqual([1, 2, 4, 1])
  })

  test('a weight that two layers share keeps them alike', () => {
    const text = `graph (x: f32[N,4,4,4]) -> (y) {
      a = Conv(x, w: f32[4,4,1,1])
      b = Conv(a, w)
      y = Conv(b, w2: f32[2,4,1,1])
    }`
    expect(sizes(text)).toEqual({})
    expect(reasons(text).a).toBe('the model is an input of the model')
  })
})

describe('what stays is named with the reason', () => {
  const behind = (lines: string): Record<string, string> =>
    reasons(`graph (x: f32[N,3,4,4]) -> (y) {
      a = Conv(x, w1: f32[6,3,1,1])
      ${lines}
    }`)
  test.for([
    ['y = Softmax(a) {axis=1}', 'y weighs its channels against each other'],
    ['y = Identity(a)', 'the model makes the output y'],
    [
      'y = Einsum(a, v: f32[6,2]) {equation="nchw,cd->ndhw"}',
      'y is an operator through which channels are not followed',
    ],
    ['y = LRN(a) {size=3}', 'y takes statistics over its channels'],
    ['r = Reshape(a, i64[3]{0,4,24})  y = Relu(r)', 'r mixes channels'],
    [
      's = Shape(a)  g = Gather(s, i64[1]{1})  d = Concat(i64[1]{0}, g, i64[1]{-1}) {axis=0}  y = Reshape(a, d)',
      's computes with the number of channels',
    ],
  ])('%s', ([lines, why]) => {
    expect(behind(lines)).toEqual({ a: why })
  })

  test('a layer of one channel', () => {
    const text = `graph (x: f32[N,3,4,4]) -> (y) {
      a = Conv(x, w1: f32[1,3,1,1])
      y = Conv(a, w2: f32[2,1,1,1])
    }`
    expect(reasons(text).a).toBe('a has only one channel that could go')
  })
})
