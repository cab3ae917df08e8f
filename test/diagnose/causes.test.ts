// What stands out in numbers that were rounded: channels, clipped ends, shared scales, tails.
import { describe, expect, test } from 'vitest'
import { createRng } from '../../src/base/rng.ts'
import type { IntFormat } from '../../src/ir/number-format.ts'
import type { QuantParams } from '../../src/ir/quant.ts'
import { activationCauses, outlier, reachAlong, weightCauses } from '../../src/stages/diagnose/causes.ts'

const normal = (count: number, seed: string): Float32Array => {
  const rng = createRng(0, seed)
  return Float32Array.from({ length: count }, () => rng.normal())
}
const params = (signed: boolean, scale: number, kind: 'tensor' | 'channel' = 'tensor'): QuantParams => ({
  spec: {
    format: { kind: 'int', bits: 8, signed } as IntFormat,
    symmetric: signed,
    granularity: kind === 'tensor' ? { kind } : { kind, axis: 0 },
    restricted: false,
  },
  scale: Float32Array.of(scale),
  zeroPoint: Int32Array.of(0),
})

describe('channels', () => {
  test('the reach of each is its largest magnitude, along any axis', () => {
    const data = Float32Array.of(1, -2, 3, -4, 5, -6, 7, -8)
    expect([...reachAlong(data, [2, 2, 2], 0)]).toEqual([4, 8])
    expect([...reachAlong(data, [2, 2, 2], 1)]).toEqual([6, 8])
    expect([...reachAlong(data, [2, 2, 2], 2)]).toEqual([7, 8])
  })

  test('one stands out from eight times the median of those that are alive', () => {
    expect(outlier([1, 1, 8, 1, 0, 0, 0])).toEqual({ channel: 2, times: 8 })
    expect(outlier([1, 1, 7.9, 1])).toBeNull()
    expect(outlier([0, 0, 5])).toBeNull()
  })
})

describe('weights', () => {
  const shape = [6, 5, 3, 3]
  const facts = { shape, outputs: 0, inputs: 1, params: params(true, 0.01, 'channel'), bits: 8 }

  test('an input channel stands out whatever the scales are along', () => {
    const data = normal(270, 'w')
    for (let o = 0; o < 6; o++) for (let k = 0; k < 9; k++) data[(5 * o + 3) * 9 + k] *= 100
    expect(weightCauses({ ...facts, data })).toMatchObject([{ kind: 'outlier-channel', of: 'weights-in', channel: 3 }])
  })

  test('an output channel matters only where all have one scale', () => {
    const data = normal(270, 'w')
    for (let k = 0; k < 45; k++) data[2 * 45 + k] *= 100
    expect(weightCauses({ ...facts, data, params: params(true, 0.01) })).toMatchObject([
      { kind: 'outlier-channel', of: 'weights-out', channel: 2 },
    ])
    expect(weightCauses({ ...facts, data })).toEqual([{ kind: 'few-bits', of: 'weights', bits: 8 }])
  })

  test('a few large ones in no channel of their own are a tail', () => {
    const data = normal(4000, 'w')
    data[7] = 300
    expect(weightCauses({ ...facts, data, shape: [4000], outputs: null, inputs: null })).toMatchObject([
      { kind: 'long-tail', of: 'weights' },
    ])
  })
})

describe('activations', () => {
  const calm = { of: 'output' as const, min: [0, 0, 0], max: [4, 3, 5], squares: [90, 80, 99], count: 100, bits: 8 }

  test('nothing stands out where the scale fits', () => {
    expect(activationCauses({ ...calm, params: params(false, 5 / 255), shared: false })).toEqual([
      { kind: 'few-bits', of: 'output', bits: 8 },
    ])
  })

  test('what reaches beyond the codes is clipped, and it says from where to where', () => {
    expect(activationCauses({ ...calm, params: params(false, 2.55 / 255), shared: false })).toMatchObject([
      { kind: 'clipped', reaches: 5, cutAt: expect.closeTo(2.55, 5) },
    ])
  })

  test('a scale that another value needs is named only where it is shared', () => {
    const wide = { ...calm, params: params(false, 50 / 255) }
    expect(activationCauses({ ...wide, shared: true })).toMatchObject([
      { kind: 'shared-scale', times: expect.closeTo(10, 5) },
    ])
    expect(activationCauses({ ...wide, shared: false })).toMatchObject([{ kind: 'few-bits' }])
  })

  test('one channel that reaches far leaves the others few codes', () => {
    const far = { ...calm, max: [4, 300, 5], params: params(false, 300 / 255), shared: false }
    expect(activationCauses(far)).toMatchObject([{ kind: 'outlier-channel', channel: 1, times: 60 }])
  })
})
