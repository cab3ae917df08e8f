// Golden vectors: seeded synthetic inputs within the observed ranges, what the bundle's model gives for them, and what it gives
// at every layer, so that a board's dump can be laid beside it. No private sample is in them.
import { bytesOf, elementCount, type TypedArray } from '../base/dtype.ts'
import { hashBytes } from '../base/hash.ts'
import { createRng } from '../base/rng.ts'
import { writeNpz } from '../formats/npz.ts'
import type { Context, Feeds } from '../ir/context.ts'
import { type Model, requiredInputs, type ValueName } from '../ir/model.ts'
import type { NdArray } from '../ir/tensor.ts'
import type { InputSeen } from '../recipe/state.ts'

export interface Golden {
  inputs: Uint8Array
  outputs: Uint8Array
  layers: Uint8Array
  hashes: Record<ValueName, string>
}

// Arrays of layers.npz until this many bytes; beyond it a layer has only its hash.
const layerBudget = 2097152

/** Runs `model` on synthetic inputs. `layers` maps a name to be written to the model's value behind it. */
export async function goldenVectors(
  model: Model,
  seed: number,
  seen: Readonly<Record<ValueName, InputSeen>>,
  layers: ReadonlyMap<ValueName, ValueName>,
  ctx: Context,
): Promise<Golden> {
  const feeds = syntheticFeeds(model, seed, seen)
  const session = await ctx.runner.open(model, { outputs: [...model.graph.outputs, ...layers.values()] })
  try {
    const arrays = await session.run(feeds)
    const hashes: Golden['hashes'] = {}
    const kept: [string, NdArray][] = []
    let bytes = 0
    for (const [name, value] of layers) {
      const array = arrays[value]
      hashes[name] = hashBytes(bytesOf(array.data))
      bytes += array.data.byteLength
      if (bytes <= layerBudget) kept.push([name, array])
    }
    const outputs = model.graph.outputs.map(name => [name, arrays[name]] as const)
    for (const [name, array] of outputs) hashes[name] = hashBytes(bytesOf(array.data))
    return { inputs: npz(Object.entries(feeds)), outputs: npz(outputs), layers: npz(kept), hashes }
  } finally {
    await session.close()
  }
}

const npz = (arrays: Iterable<readonly [string, NdArray]>): Uint8Array => writeNpz(Object.fromEntries(arrays))

/** One seeded sample per input, uniform within what was observed; without an observation within [-1, 1]. */
export function syntheticFeeds(model: Model, seed: number, seen: Readonly<Record<ValueName, InputSeen>>): Feeds {
  const feeds: Feeds = {}
  for (const name of requiredInputs(model.graph)) {
    const value = model.graph.values.get(name)!
    const rng = createRng(seed, `golden/${name}`)
    const shape = seen[name]?.shape ?? (value.shape ?? []).map(d => (typeof d === 'number' && d > 0 ? d : 1))
    const { min, max } = seen[name] ?? { min: -1, max: 1 }
    feeds[name] = randomArray(value.dtype ?? 'float32', shape, () => min + rng.uniform() * (max - min))
  }
  return feeds
}

function randomArray(dtype: NdArray['dtype'], shape: readonly number[], draw: () => number): NdArray {
  const n = elementCount(shape)
  const make: Partial<Record<NdArray['dtype'], () => TypedArray>> = {
    float32: () => Float32Array.from({ length: n }, draw),
    float64: () => Float64Array.from({ length: n }, draw),
    int64: () => BigInt64Array.from({ length: n }, () => BigInt(Math.round(draw()))),
    int32: () => Int32Array.from({ length: n }, () => Math.round(draw())),
    uint8: () => Uint8Array.from({ length: n }, () => Math.max(0, Math.min(255, Math.round(draw())))),
    int8: () => Int8Array.from({ length: n }, () => Math.max(-128, Math.min(127, Math.round(draw())))),
    bool: () => Uint8Array.from({ length: n }, () => (draw() > 0 ? 1 : 0)),
  }
  const data = make[dtype]?.() ?? new Uint16Array(n)
  return { dtype, shape, data }
}
