// How far a refit trusts its samples: what it asks of the half that was not fitted to, and what it makes of the answer.
import { beforeAll, describe, expect, test } from 'vitest'
import { createRng, type Rng } from '../../src/base/rng.ts'
import type { Context } from '../../src/ir/context.ts'
import { heldTask } from '../../src/ir/least-squares.ts'
import { type Moments, momentsOf, type Piece } from '../../src/ir/moments.ts'
import { dampingFor, heldOut } from '../../src/stages/quantize/repairs/refit-damping.ts'
import { layerOf } from './moments.ts'
import { testContext } from './played.ts'

let ctx: Context
beforeAll(async () => {
  ctx = await testContext()
})

const k = 12
const c = 3
const weights = Float64Array.from({ length: c * k }, (_, i) => Math.sin(i))
const rest = layerOf(k, c, 4, 1).part(4)

interface Rows {
  inputs: Float32Array // [n, k + 1]
  targets: Float32Array // [n, c]
}

/** What a layer of `true` weights gives, and by how much the targets are off. */
function rowsOf(n: number, of: Float64Array, noise: number, rng: Rng): Rows {
  const inputs = Float32Array.from({ length: n * (k + 1) }, (_, i) => (i % (k + 1) === k ? 1 : rng.normal()))
  const targets = new Float32Array(n * c)
  for (let row = 0; row < n; row++)
    for (let o = 0; o < c; o++) {
      let sum = noise * rng.normal()
      for (let j = 0; j < k; j++) sum += of[o * k + j] * inputs[row * (k + 1) + j]
      targets[row * c + o] = sum
    }
  return { inputs, targets }
}

const copied = ({ inputs, targets }: Rows): Piece => [{ inputs: inputs.slice(), targets: targets.slice() }]

async function moments(pieces: readonly Rows[], halves: boolean): Promise<Moments> {
  async function* given(): AsyncIterable<Piece> {
    for (const rows of pieces) yield copied(rows)
  }
  return (await momentsOf(given(), { k, c, groups: 1, params: null, halves }, ctx))[0]
}

async function ridgeFor(n: number, of: Float64Array, noise: number): Promise<number> {
  const rng = createRng(n)
  const m = await moments([rowsOf(n, of, noise, rng), rowsOf(n, of, noise, rng)], true)
  const part = { ...rest, moments: m, layer: { weights, bias: new Float64Array(c) } }
  return (await dampingFor([part], 128, ctx)).ridge
}

test('every other piece is kept apart too, and all are what they are without that', async () => {
  const rng = createRng(5)
  const pieces = [40, 50, 60].map(n => rowsOf(n, weights, 0.1, rng))
  const apart = await moments(pieces, true)
  const whole = await moments(pieces, false)
  const first = await moments([pieces[0], pieces[2]], false)
  expect(apart.n).toBe(150)
  expect(apart.half!.n).toBe(100)
  for (const [i, x] of whole.h.entries()) expect(apart.h[i]).toBeCloseTo(x, 3)
  for (const [i, x] of first.h.entries()) expect(apart.half!.h[i]).toBeCloseTo(x, 3)
  for (const [i, x] of first.r.entries()) expect(apart.half!.r[i]).toBeCloseTo(x, 3)
  expect(whole.half).toBeUndefined()
  expect((await moments([pieces[0]], true)).half).toBeUndefined()
})

test('the error on the other half is that of its rows, but for a constant', async () => {
  const rng = createRng(6)
  const pieces = [60, 60].map(n => rowsOf(n, weights, 0.5, rng))
  const all = await moments(pieces, true)
  const { half } = all
  const ask = heldOut({ moments: all, layer: { weights, bias: new Float64Array(c) } })
  const at = async (share: number): Promise<number> => (await ctx.perform(heldTask, { items: [ask(share)] }))[0]
  // Drawn so strongly that the float weights are left, and a bias that the first half asks for.
  const bias = Float64Array.from({ length: c }, (_, o) => {
    let sum = half!.r[k * c + o]
    for (let j = 0; j < k; j++) sum -= weights[o * k + j] * half!.h[k * (k + 1) + j]
    return sum / half!.n
  })
  const { inputs, targets } = pieces[1]
  let error = 0
  for (let row = 0; row < 60; row++)
    for (let o = 0; o < c; o++) {
      let y = bias[o]
      for (let j = 0; j < k; j++) y += weights[o * k + j] * inputs[row * (k + 1) + j]
      const t = targets[row * c + o]
      error += (y - t) ** 2 - t ** 2
    }
  expect(await at(1e9)).toBeCloseTo(error, 1)
})

describe('samples are trusted', () => {
  const off = weights.map((w, i) => w + 0.3 * Math.cos(3 * i))

  test('where they are many and say clearly that other weights are better', async () => {
    expect(await ridgeFor(2000, off, 0.01)).toBeLessThanOrEqual(0.01)
  })

  test('little where they are few and noisy, and the float weights are right', async () => {
    expect(await ridgeFor(10, weights, 3)).toBeGreaterThanOrEqual(1)
  })
})
