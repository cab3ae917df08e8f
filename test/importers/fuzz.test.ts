// Broken files of every kind end in an error of ours, never in a foreign exception and never without an end.
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { memorySource } from '../../src/base/bytes.ts'
import { StudioError } from '../../src/base/errors.ts'
import { encodeModel } from '../../src/exporters/onnx.ts'
import { importModel } from '../../src/importers/index.ts'
import { createBytes } from '../../src/ir/bytes.ts'
import { build } from '../build.ts'

let bytes: Uint8Array
beforeAll(async () => {
  const model = build(
    `opset local 1
    function local.Twice (a) -> (b) { b = Add(a, a) {by = @factor:1} }
    graph (x: f32[N,2], c: bool[]) -> (y, z) {
      h = MatMul(x, w: f32[2,70,70])
      k = local.Twice(h) {factor = 2.0}
      s = Strings(str[2]{"one", "two"}) {v = f32[2]{1, 2}, names = ["a"], xs = [1.0]}
      y = If(c) {then_branch = graph t () -> (a) { a = Neg(k) }, else_branch = graph e () -> (b) { b = Identity(s) }}
      z = Cast(i4[3]{1, 2, 3}) {to = 1}
    }`,
    { meta: { key: 'value' } },
  )
  bytes = await encodeModel(model, createBytes())
})

async function survives(broken: Uint8Array): Promise<void> {
  try {
    const { model, sources } = await importModel(new Map([['m.onnx', memorySource('m.onnx', broken)]]))
    await encodeModel(model, createBytes(sources))
  } catch (error) {
    if (!(error instanceof StudioError)) throw error
    expect(error.hint).not.toBe('')
  }
}

test('the whole file is read', () => survives(bytes))

test('a cut file', () =>
  fc.assert(
    fc.asyncProperty(fc.nat(bytes.length - 1), length => survives(bytes.subarray(0, length))),
    { numRuns: 300, seed: 1 },
  ))

test('a file with bytes changed, outside of the large tensor', () =>
  fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }), changes => {
      const broken = bytes.slice()
      const tensor = broken.length - 39200 > 0 ? 39200 : 0
      for (const [at, value] of changes) {
        const spot = at % (broken.length - tensor)
        broken[spot < 900 ? spot : spot + tensor] = value
      }
      return survives(broken)
    }),
    { numRuns: 1500, seed: 2 },
  ))

test('bytes of chance after a head that is right', () =>
  fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), tail => survives(Uint8Array.of(8, 8, ...tail))),
    { numRuns: 500, seed: 3 },
  ))
