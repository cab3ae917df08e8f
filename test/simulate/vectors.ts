// Layers with what a runtime made of them, kept so that they are checked on every machine.
import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import type { DType } from '../../src/base/dtype.ts'
import { elementCount } from '../../src/base/dtype.ts'
import type { Context, Feeds } from '../../src/ir/context.ts'
import type { ArithmeticId } from '../../src/stages/simulate/arithmetic/index.ts'
import { codeArray } from '../../src/stages/simulate/constants.ts'
import { simulate } from '../../src/stages/simulate/simulate.ts'
import { build } from '../build.ts'

export interface Vector {
  name: string
  text: string
  opset: number
  feeds: Record<string, { dtype: DType; shape: readonly number[]; data: readonly number[] }>
  shape: readonly number[]
  data: readonly number[]
}

export interface Vectors {
  runtime: string
  arithmetic: ArithmeticId
  layers: readonly Vector[]
}

export const vectorsFile = (name: string): URL => new URL(`vectors/${name}.json`, import.meta.url)

export const readVectors = (name: string): Vectors => JSON.parse(readFileSync(vectorsFile(name), 'utf8'))

/** Values by which the executor differs from a vector, and the largest difference. */
export async function differences(
  vector: Vector,
  arithmetic: ArithmeticId,
  ctx: Context,
): Promise<{ count: number; largest: number }> {
  const model = build(vector.text, { opset: vector.opset })
  const feeds: Feeds = {}
  for (const [name, { dtype, shape, data }] of Object.entries(vector.feeds)) {
    const codes = codeArray(dtype, elementCount(shape))
    codes.set(data as number[] & bigint[])
    feeds[name] = { dtype, shape, data: codes }
  }
  const session = await simulate(model, arithmetic, ctx)
  expect(session.float, vector.text).toEqual([])
  const y = (await session.run(feeds))[model.graph.outputs[0]]
  await session.close()
  expect(y.shape, vector.text).toEqual(vector.shape)
  const steps = vector.data.map((q, i) => Math.abs(q - Number(y.data[i])))
  return { count: steps.filter(d => d !== 0).length, largest: Math.max(0, ...steps) }
}

export async function expectEqual(vector: Vector, arithmetic: ArithmeticId, ctx: Context): Promise<void> {
  expect(await differences(vector, arithmetic, ctx), vector.text).toEqual({ count: 0, largest: 0 })
}
