// Scales whose reciprocals every processor's table holds.
import { expect, test } from 'vitest'
import { createRng } from '../../src/base/rng.ts'
import { tabledScale } from '../../src/stages/quantize/reciprocals.ts'

const f32 = Math.fround
/** Bits that a float's mantissa has, without the zeros at its end. */
function bitsOf(x: number): number {
  const mantissa = new Uint32Array(Float32Array.of(x).buffer)[0] & 0x7fffff
  return mantissa === 0 ? 0 : 23 - (31 - Math.clz32(mantissa & -mantissa))
}

test('a scale moves by little, to where the reciprocal of the product has twelve bits', () => {
  const rng = createRng(2)
  let [farthest, sum] = [0, 0]
  const count = 2000
  for (let i = 0; i < count; i++) {
    const input = f32(0.001 + rng.uniform())
    const weight = f32(1e-5 + 0.1 * rng.uniform())
    const scale = tabledScale(weight, input)
    // As the kernel multiplies what the file holds.
    const product = f32(f32(1 / input) * f32(1 / scale))
    expect(bitsOf(f32(1 / product))).toBeLessThanOrEqual(11)
    const by = Math.abs(scale / weight - 1)
    farthest = Math.max(farthest, by)
    sum += by
  }
  // A code of 127 stays what it is.
  expect(127 * farthest).toBeLessThan(0.5)
  expect(sum / count).toBeLessThan(5e-4)
})
