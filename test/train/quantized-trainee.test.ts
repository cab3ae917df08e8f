// Training against rounding: gradients of weights and scales by the paper's equations, and what is simulated beside what is written.
import { beforeAll, describe, expect, test } from 'vitest'
import type { Context } from '../../src/ir/context.ts'
import { type QuantParams, roundTripTensor } from '../../src/ir/quant.ts'
import { floats } from '../../src/ir/tensor.ts'
import { training } from '../../src/stages/train/index.ts'
import { throughRounding, withinCodes } from '../../src/stages/train/quantized-trainee.ts'
import { build } from '../build.ts'
import { testContext } from '../quantize/played.ts'

let ctx: Context
beforeAll(async () => {
  ctx = await testContext()
})

const spec = (bits: number, signed: boolean): QuantParams['spec'] => ({
  format: { kind: 'int', bits, signed },
  symmetric: signed,
  granularity: { kind: 'tensor' },
  restricted: signed,
})

describe('learned step size', () => {
  test('inside the gradient is how far rounding moved, outside the code; what was clipped stays', () => {
    const params: QuantParams = { spec: spec(3, true), scale: Float32Array.of(0.5), zeroPoint: Int32Array.of(0) }
    // In units of the scale: 0.6 goes to 1, -2.2 to -2, 9 is clipped to 3, -9 to -3.
    const x = Float32Array.of(0.3, -1.1, 4.5, -4.5)
    const at = (k: number) =>
      throughRounding(
        x,
        roundTripTensor(x, [4], params),
        [4],
        params,
        Float32Array.from(x, (_, i) => (i === k ? 1 : 0)),
      )
    expect([0, 1, 2, 3].map(k => at(k).values[k])).toEqual([1, 1, 0, 0])
    for (const [k, want] of [0.4, 0.2, 3, -3].entries()) expect(at(k).scales[0]).toBeCloseTo(want, 5)
  })

  test('each channel has the sum over its own weights', () => {
    const granularity = { kind: 'channel' as const, axis: 0 }
    const scale = Float32Array.of(0.5, 2)
    const params: QuantParams = { spec: { ...spec(3, true), granularity }, scale, zeroPoint: Int32Array.of(0, 0) }
    const x = Float32Array.of(0.3, 4.5, 0.3, 4.5)
    const rounded = roundTripTensor(x, [2, 2], params)
    const { scales } = throughRounding(x, rounded, [2, 2], params, new Float32Array(4).fill(1))
    expect(scales[0]).toBeCloseTo(0.4 + 3, 5)
    expect(scales[1]).toBeCloseTo(-0.15 - 0.25, 5)
  })

  test('an activation that is read rounded gives its scale a gradient by the same rule, zero point included', () => {
    const params: QuantParams = { spec: spec(3, false), scale: Float32Array.of(0.5), zeroPoint: Int32Array.of(2) }
    const { graph } = build('graph (x: f32[4]) -> (y) { r = Identity(x)\n y = Identity(r) }')
    const reads = new Map([['r', { params, readers: new Set([graph.nodes[1].id]), keep: 0, step: 'r/step' }]])
    const net = training.network(graph.nodes, new Set(['x']), reads, ctx.kernels)
    const run = net.forward(new Map([['x', floats([4], [0.3, -0.45, 9, -9])]]), () => 1)
    expect(Array.from(run.value('y').data as Float32Array)).toEqual([0.5, -0.5, 2.5, -1])
    const found = run.backward(new Map([['y', Float32Array.of(1, 1, 1, 1)]]))
    expect(Array.from(found.get('x')!)).toEqual([1, 1, 0, 0])
    // 1 - 0.6, -1 + 0.9, 5, -2
    expect(found.get('r/step')![0]).toBeCloseTo(0.4 - 0.1 + 5 - 2, 5)
  })
})

describe('where weights begin', () => {
  const begun = (rounded: number[], exact: number[], params: QuantParams) =>
    Array.from(withinCodes(Float32Array.from(rounded), Float32Array.from(exact), [rounded.length], params))

  test('within the codes that a repair chose, as near to the float weights as these allow', () => {
    const params: QuantParams = { spec: spec(3, true), scale: Float32Array.of(0.5), zeroPoint: Int32Array.of(0) }
    const rounded = [0.5, 0.5, -1, 1.5, 1.5]
    const exact = [0.6, 0.1, 3, 9, 1]
    for (const [i, want] of [0.6, 0.3, -0.8, 1.5, 1.3].entries())
      expect(begun(rounded, exact, params)[i]).toBeCloseTo(want, 5)
    expect(roundTripTensor(Float32Array.from(begun(rounded, exact, params)), [5], params)).toEqual(
      Float32Array.from(rounded),
    )
  })

  test('where they are, if they are in the middle of no code: they are floats, or were trained already', () => {
    const params: QuantParams = { spec: spec(3, true), scale: Float32Array.of(0.5), zeroPoint: Int32Array.of(0) }
    expect(begun([0.625, -2], [0.5, 0.5], params)).toEqual([0.625, -2])
  })
})
