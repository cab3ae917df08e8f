// The observer's handling of what runtimes give: other element types, absent values, several batches.
import { describe, expect, test } from 'vitest'
import { createKernels } from '../../kernels/lib/backends.ts'
import { anyBits, normals, specials } from '../../kernels/lib/cases.ts'
import { difference } from '../../kernels/lib/self-test.ts'
import { toHalf } from '../../src/base/half.ts'
import type { NdArray } from '../../src/ir/tensor.ts'

const wasm = await createKernels('wasm')
const reference = await createKernels('reference')
const array = (dtype: NdArray['dtype'], data: NdArray['data']): NdArray => ({ dtype, shape: [data.length], data })

const seen = async (x: NdArray) => {
  const observer = wasm.observer(['x'], { histogram: true })
  await observer.add({ x })
  return (await observer.finish()).get('x')!
}

describe('an observation', () => {
  test.each([
    ['float16', array('float16', Uint16Array.from([1.5, -2, 0, 65504].map(toHalf))), -2, 65504],
    ['uint8', array('uint8', Uint8Array.of(0, 7, 255)), 0, 255],
    ['int64', array('int64', BigInt64Array.of(-3n, 12n)), -3, 12],
  ] as const)('of %s is of its real values', async (_, x, min, max) => {
    expect(await seen(x)).toMatchObject({ min, max, count: x.data.length })
  })

  test('of a value that never came is empty', async () => {
    const observer = wasm.observer(['absent'], { histogram: true })
    await observer.add({ other: array('float32', normals(3)) })
    expect((await observer.finish()).get('absent')).toMatchObject({ count: 0, min: 0, max: 0, ema: null })
  })

  test.each([true, false])('over batches of every kind equals the reference, histogram %s', async histogram => {
    const batches = [normals(40_000, 3), specials(), anyBits(33_000), new Float32Array(7).fill(-0), normals(3, 1e-20)]
    const observers = [wasm, reference].map(kernels => kernels.observer(['x', 'y'], { histogram }))
    for (const [i, data] of batches.entries())
      for (const observer of observers)
        await observer.add({ x: array('float32', data), y: array('float32', batches[(i + 1) % batches.length]) })
    const [found, expected] = await Promise.all(observers.map(observer => observer.finish()))
    for (const name of ['x', 'y']) expect(difference(found.get(name)!, expected.get(name)!)).toBeNull()
  })

  test('is unharmed by being finished twice', async () => {
    const observer = wasm.observer(['x'], { histogram: true })
    await observer.add({ x: array('float32', normals(500)) })
    const once = (await observer.finish()).get('x')!
    await observer.add({ x: array('float32', normals(500)) })
    const twice = (await observer.finish()).get('x')!
    expect(once.count).toBe(500)
    expect(twice.histogram!.counts).toEqual(once.histogram!.counts.map(n => 2 * n))
  })
})

describe('arithmetic over many pieces equals the reference', () => {
  const [a, b] = [normals(70_001), normals(70_001, 1.01, 9)]
  test('comparison', () => {
    expect(wasm.compare(a, b)).toEqual(reference.compare(a, b))
  })
  test('errors of scales', () => {
    const scales = Float32Array.of(0.01, 0.02, 0.04)
    expect(wasm.scaleErrors(a, scales, 127)).toEqual(reference.scaleErrors(a, scales, 127))
  })
  test('codes and the reals they stand for', () => {
    const equal = (x: ArrayLike<number>, y: ArrayLike<number>) => Array.from(x).findIndex((v, i) => !Object.is(v, y[i]))
    // 0.0173 is no float32: each twin takes the nearest.
    const unsigned = [0.0173, 120, false, 0, 255] as const
    const signed = [0.0173, 0, true, -127, 127] as const
    expect(equal(wasm.quantize(a, ...unsigned), reference.quantize(a, ...unsigned))).toBe(-1)
    expect(equal(wasm.quantize(a, ...signed), reference.quantize(a, ...signed))).toBe(-1)
    expect(equal(wasm.fakeQuantize(a, 0.0173, 120, 0, 255), reference.fakeQuantize(a, 0.0173, 120, 0, 255))).toBe(-1)
  })
})
