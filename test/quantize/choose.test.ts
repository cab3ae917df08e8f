import { describe, expect, test } from 'vitest'
import { infer } from '../../src/ops/infer.ts'
import { choose } from '../../src/stages/quantize/choose.ts'
import { findTarget } from '../../src/targets/index.ts'
import { onnxruntime } from '../../src/targets/onnxruntime.ts'
import { tflite } from '../../src/targets/tflite.ts'
import { build } from '../build.ts'
import { play, testContext } from './played.ts'

const int8 = () => ({ weights: 'int8', activations: 'uint8' }) as const
const chosen = (text: string) => choose(infer(build(text)), onnxruntime, int8)

describe('which nodes run in integers', () => {
  test('a Relu behind a convolution is part of its kernel: no scale between the two', () => {
    const c = chosen(`graph (x: f32[1,3,8,8]) -> (z) {
      y = Conv(x, w: f32[4,3,3,3])
      r = Relu(y)
      z = Conv(r, v: f32[2,4,3,3])
    }`)
    expect(c.values).toEqual(['x', 'r', 'z'])
    expect(c.float).toEqual([])
  })

  test.for(['c', 'rknn'])('%s: a Clip that is fused is so although the target has a kernel of it alone', id => {
    const model = build(`graph (x: f32[1,3,8,8]) -> (z) {
      y = Conv(x, w: f32[4,3,3,3])
      r = Clip(y, f32[]{0}, f32[]{6})
      z = Conv(r, v: f32[2,4,3,3])
    }`)
    expect(choose(infer(model), findTarget(id), int8).values).toEqual(['x', 'r', 'z'])
  })

  test('a Relu whose input has a second reader is no part of it, and stays float', () => {
    const c = chosen(`graph (x: f32[1,3,8,8]) -> (z, y) {
      y = Conv(x, w: f32[4,3,3,3])
      r = Relu(y)
      z = Conv(r, v: f32[2,4,3,3])
    }`)
    expect(c.values).toEqual(['x', 'y', 'r', 'z'])
    expect(c.float.map(f => f.op)).toEqual(['Relu'])
  })

  test('what only products of four bits read is given in float, so that others read it as it is', () => {
    const model = infer(
      build(`graph (x: f32[1,3,8,8]) -> (z) {
      y = Conv(x, w: f32[4,3,3,3]) {pads=[1,1,1,1]}
      r = Relu(y)
      c = Conv(r, v: f32[4,4,3,3]) {pads=[1,1,1,1]}
      a = Add(r, c)
      d = Conv(a, u: f32[4,4,3,3]) {pads=[1,1,1,1]}
      z = Conv(d, t: f32[4,4,3,3])
    }`),
    )
    const four = { weights: 'int4', activations: 'uint4' } as const
    const ofFour = (...ids: string[]) => choose(model, onnxruntime, node => (ids.includes(node.id) ? four : int8()))
    const kernels = ({ chosen }: ReturnType<typeof choose>) =>
      [...chosen].map(
        ([id, { integer, fused }]) => `${id} ${integer ? 'in integers' : 'in float'}${fused ? ', with Relu' : ''}`,
      )

    const mostly = ofFour('c', 'd')
    expect(kernels(mostly)).toEqual(['y in float', 'c in float', 'd in float', 'z in integers'])
    expect([...mostly.valueFormats]).toEqual([
      ['x', 'uint8'],
      ['r', 'uint4'],
      ['a', 'uint4'],
      ['d', 'uint8'],
      ['z', 'uint8'],
    ])
    expect(mostly.float.find(f => f.op === 'Add')?.why).toContain('in float beside activations of uint4')

    const last = ['y in integers, with Relu', 'c in integers', 'a in integers', 'd in float', 'z in float']
    expect(kernels(ofFour('z'))).toEqual(last)
  })

  test('what products of 8 and of 16 bits read is given in float: it has the wider format, of which there are no codes', () => {
    const c = choose(
      infer(
        build(`graph (x: f32[1,3,8,8]) -> (z, w) {
      y = Conv(x, a: f32[4,3,3,3])
      z = Conv(y, b: f32[4,4,3,3])
      w = Conv(y, c: f32[4,4,3,3])
    }`),
      ),
      onnxruntime,
      node => ({ weights: 'int8', activations: node.id === 'w' ? 'int16' : 'uint8' }),
    )
    expect(c.valueFormats.get('y')).toBe('int16')
    expect(c.chosen.get('y')!.integer).toBe(false)
  })

  test('the last Gemm gives float logits, so that nothing clips or rounds them', () => {
    const c = chosen(`graph (x: f32[1,16]) -> (y) { y = Gemm(x, w: f32[10,16], b: f32[10]) {transB=1} }`)
    expect([...c.chosen.keys()]).toEqual(['y'])
    expect(c.values).toEqual(['x'])
  })

  test('MaxPool shares the scale of its input', () => {
    const c = chosen(`graph (x: f32[1,3,8,8]) -> (z) {
      y = Conv(x, w: f32[4,3,3,3])
      p = MaxPool(y) {kernel_shape=[2,2], strides=[2,2]}
      z = Conv(p, v: f32[2,4,3,3])
    }`)
    expect(c.shared).toEqual([['y', 'p']])
  })

  test('an Add among float operators stays float and says why', () => {
    const c = chosen(`graph (x: f32[1,8], u: f32[1,8]) -> (z) {
      a = Add(x, u)
      z = Sin(a)
    }`)
    expect(c.chosen.size).toBe(0)
    expect(c.float.find(f => f.op === 'Add')?.why).toContain('no integer operator')
    expect(c.float.find(f => f.op === 'Sin')?.why).toContain('no integer kernel')
  })

  test('what the runtime would take but is left in float says that it is by choice, other operators that there is no kernel', () => {
    const c = chosen(`graph (x: f32[1,16]) -> (y, z) {
      g = Gemm(x, w: f32[10,16], b: f32[10]) {transB=1}
      y = Softmax(g)
      z = Erf(g)
    }`)
    expect(c.float).toEqual([
      expect.objectContaining({ op: 'Softmax', why: expect.stringMatching(/^left in float by choice: .*1\/256/) }),
      expect.objectContaining({ op: 'Erf', why: 'ONNX Runtime (CPU) has no integer kernel for Erf' }),
    ])
    const { ops, declined } = onnxruntime.quant
    expect(declined!.filter(d => ops.some(rule => rule.op === d.op))).toEqual([])
  })

  test('weights that are computed at run time keep a convolution in float', () => {
    const c = chosen(`graph (x: f32[1,3,8,8], w: f32[4,3,3,3]) -> (y) { y = Conv(x, w) }`)
    expect(c.float[0].why).toBe('its weights are computed at run time')
  })

  test('values that only lead out are never clipped', () => {
    const c = chosen(`graph (x: f32[1,3,8,8]) -> (z) {
      y = Conv(x, w: f32[4,3,3,3])
      z = Conv(y, v: f32[2,4,3,3])
    }`)
    expect([...c.unclipped]).toEqual(['z'])
  })
})

test('a function is fused before symmetric codes only where the kernel knows its bounds', async () => {
  const model = build(`graph (x: f32[1,3,8,8]) -> (y) {
    a = Conv(x, w: f32[4,3,3,3])
    r = Relu(a)
    b = Conv(r, v: f32[4,4,3,3])
    c = Clip(b, f32[]{-0.5}, f32[]{2})
    y = Conv(c, u: f32[4,4,3,3])
  }`)
  for (const [form, fusedClip] of [
    ['int8', true],
    ['16x8', false],
  ] as const) {
    const { variant } = await play(model, await testContext(), { wanted: { target: tflite, form }, samples: 4 })
    const { activations, quantized } = variant.plan!
    expect([...activations.values()].every(params => params.scale[0] > 0)).toBe(true)
    const nodes = new Map(model.graph.nodes.map(n => [n.op, n.id]))
    expect(quantized.has(nodes.get('Relu')!)).toBe(true)
    expect(quantized.has(nodes.get('Clip')!)).toBe(fusedClip)
  }
})
