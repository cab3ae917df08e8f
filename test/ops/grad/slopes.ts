// Gradients beside finite differences.
import { viewAs } from '../../../src/base/dtype.ts'
import { createRng } from '../../../src/base/rng.ts'
import type { Context } from '../../../src/ir/context.ts'
import type { Model, ValueName } from '../../../src/ir/model.ts'
import { floats, type NdArray } from '../../../src/ir/tensor.ts'
import { training } from '../../../src/stages/train/index.ts'

/** The arrays that a model reads: seeded inputs, and its constants. */
export function arraysOf(model: Model): Map<ValueName, NdArray> {
  const { graph } = model
  const arrays = new Map<ValueName, NdArray>()
  const rng = createRng(5)
  for (const name of graph.inputs) {
    const shape = graph.values.get(name)!.shape as number[]
    arrays.set(
      name,
      floats(
        shape,
        Float32Array.from({ length: shape.reduce((n, d) => n * d, 1) }, () => rng.normal()),
      ),
    )
  }
  for (const [name, { data }] of graph.values)
    if (data) arrays.set(name, { ...data, data: viewAs(data.dtype, data.data as Uint8Array) } as NdArray)
  return arrays
}

export const uniform = (): number => 1
const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, i) => sum + x * b[i], 0)
export const seeded = (n: number, seed: number): Float32Array => {
  const rng = createRng(seed)
  return Float32Array.from({ length: n }, () => rng.normal())
}

export async function runtimeOutputs(
  model: Model,
  arrays: ReadonlyMap<ValueName, NdArray>,
  ctx: Context,
): Promise<Record<ValueName, NdArray>> {
  const session = await ctx.runner.open(model)
  const outputs = await session.run(Object.fromEntries(model.graph.inputs.map(name => [name, arrays.get(name)!])))
  await session.close()
  return outputs
}

/**
 * Slopes of a weighted sum of all outputs along random directions of each learned value, from the gradients and from differences. Names of
 * one letter and a digit are constants that are not learned.
 */
export function slopes(model: Model, arrays: Map<ValueName, NdArray>, ctx: Context): [number, number][] {
  const learned = new Set(
    [...arrays].filter(([name, a]) => a.dtype === 'float32' && !/^[a-z]\d$/.test(name)).map(([n]) => n),
  )
  const net = training.network(model.graph.nodes, learned, new Map(), ctx.kernels)
  const run = net.forward(arrays, uniform)
  const weights = new Map(model.graph.outputs.map((name, k) => [name, seeded(run.value(name).data.length, 9 + k)]))
  const gradients = run.backward(weights)
  return [...learned].map((name, k) => {
    const array = arrays.get(name)!
    const x = array.data as Float32Array
    const direction = seeded(x.length, 20 + k)
    const step = 1e-3
    const at = (sign: number): number => {
      const moved = { ...array, data: x.map((v, i) => v + sign * step * direction[i]) }
      const there = net.forward(new Map([...arrays, [name, moved]]), uniform)
      return [...weights].reduce((sum, [output, w]) => sum + dot(w, there.value(output).data as Float32Array), 0)
    }
    return [dot(gradients.get(name)!, direction), (at(1) - at(-1)) / (2 * step)]
  })
}
