// Inputs made up for want of samples, seeded: pictures of dead leaves through the input spec; normal noise where no spec says what is fed, as
// strong as the first layer expects; indices within the table that they pick from, and ones for other whole numbers, which are masks.
import { elementCount, type TypedArray, viewAs } from '../base/dtype.ts'
import { StudioError } from '../base/errors.ts'
import { hashJson } from '../base/hash.ts'
import type { Rng } from '../base/rng.ts'
import type { Context, Dataset, Feeds } from '../ir/context.ts'
import { type Dim, type Model, requiredInputs, type ValueName } from '../ir/model.ts'
import type { NdArray } from '../ir/tensor.ts'
import { deadLeaves } from './dead-leaves.ts'
import { expectedDeviation } from './expected-input.ts'
import type { InputSpec } from './input-spec.ts'
import { prepare } from './prepare.ts'
import { imageSlot, resolveInput } from './resolve-input.ts'

const freeSide = 224 // of a picture whose size neither model nor spec fixes
const freeLength = 32 // of any other open dimension

/** `size` samples for all inputs of the model. 'bad-data' where nothing tells what an input looks like. */
export async function synthesise(
  model: Model,
  spec: InputSpec,
  size: number,
  { rng, bytes }: Pick<Context, 'rng' | 'bytes'>,
): Promise<Dataset> {
  const resolved = resolveInput(spec, model)
  const makers = new Map<ValueName, Make>()
  for (const name of requiredInputs(model.graph)) {
    const image = resolved[name]
    const slot = image && imageSlot(model, name, image.layout)
    if (!slot) {
      makers.set(name, arrayMaker(model, name, await expectedDeviation(model, name, bytes)))
      continue
    }
    const height = slot.height ?? image.resize?.size[0] ?? freeSide
    const free = image.resize?.fit === 'height' ? 4 * height : (image.resize?.size[1] ?? freeSide)
    const width = slot.width ?? image.resize?.max ?? free
    makers.set(name, own => prepare(deadLeaves(width, height, own), image, slot))
  }
  return {
    name: 'synthesised inputs',
    size,
    labels: null,
    hash: hashJson(['synthesised', spec, size]),
    skipped: [],
    suspicious: [],
    async *samples({ count = size, signal } = {}) {
      for (let index = 0; index < Math.min(count, size); index++) {
        signal?.throwIfAborted()
        const feeds: Feeds = {}
        for (const [name, make] of makers) feeds[name] = make(rng.fork(`synthesised/${name}/${index}`), index)
        yield { index, name: `synthesised ${index}`, feeds, label: null }
      }
    },
  }
}

type Make = (rng: Rng, index: number) => NdArray

function arrayMaker(model: Model, name: ValueName, deviation: number): Make {
  const value = model.graph.values.get(name)
  if (!value?.shape || !value.dtype)
    throw new StudioError('bad-data', `Nothing says what input '${name}' looks like, so that none can be made up`, {
      where: { value: name },
      hint: 'Give samples with --data, or fix its shape with --shape.',
    })
  const { dtype } = value
  const shape = value.shape.map((d, i) => sizeOf(d, i))
  const n = elementCount(shape)
  const filled = (draw: () => number): TypedArray => {
    if (dtype === 'float32') return Float32Array.from({ length: n }, draw)
    if (dtype === 'float64') return Float64Array.from({ length: n }, draw)
    if (dtype === 'int64' || dtype === 'uint64')
      return BigInt64Array.from({ length: n }, () => BigInt(Math.floor(draw())))
    const array = viewAs(dtype, new Uint8Array(8 * n)).slice(0, n) as Float32Array
    return array.map(() => Math.floor(draw()))
  }
  if (dtype === 'float32' || dtype === 'float64') {
    return (rng, index) => {
      // As many samples at each strength.
      const by = deviation * strengths[index % strengths.length]
      return { dtype, shape, data: filled(() => by * rng.normal()) }
    }
  }
  const rows = rowsPicked(model, name)
  return rng => ({ dtype, shape, data: filled(() => (rows === null ? 1 : rng.below(rows))) })
}

const sizeOf = (dim: Dim, axis: number): number =>
  typeof dim === 'number' && dim > 0 ? dim : axis === 0 ? 1 : freeLength

// What is fed is seldom white, and answers to what is not are stronger.
const strengths = [1, 1.6, 2.5]

/** Rows of the smallest table that an input picks from; null where it picks none. */
function rowsPicked({ graph }: Model, name: ValueName): number | null {
  const tables = graph.nodes
    .filter(n => n.op === 'Gather' && n.inputs[1] === name)
    .map(n => graph.values.get(n.inputs[0] ?? '')?.shape?.[0])
    .filter(d => typeof d === 'number')
  return tables.length > 0 ? Math.min(...tables) : null
}
