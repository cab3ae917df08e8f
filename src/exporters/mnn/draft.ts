// An .mnn network in the making. Convolutions and pooling want the packed layout NC4HW4, all else takes plain NCHW; a value is
// converted where the next operator wants it otherwise, once for each of both.
import { type TypedArray, viewAs } from '../../base/dtype.ts'
import { fromHalf } from '../../base/half.ts'
import type { MnnNetPart } from '../../formats/mnn.ts'
import { layouts, opTypeOf } from '../../formats/mnn-schema.ts'
import type { Bytes } from '../../ir/context.ts'
import type { Graph, ValueName } from '../../ir/model.ts'
import type { Tensor } from '../../ir/tensor.ts'

type Op = NonNullable<MnnNetPart['oplists']>[number]
type Main = NonNullable<Op['main']>

/** One version of a value: its tensor in the layout. */
interface Place {
  plain?: number
  packed?: number
}

export interface Draft {
  readonly ops: Op[]
  readonly tensors: string[]
  /** The tensor of a value, in plain layout or packed. */
  use(name: ValueName, layout: 'plain' | 'packed'): Promise<number>
  /** Where a value lies already; plain for constants. */
  layoutOf(name: ValueName): 'plain' | 'packed'
  /** Adds an operator whose result is the value. */
  give(name: ValueName, layout: 'plain' | 'packed', type: string, inputs: readonly number[], main?: Main): void
  /** Adds an operator with several results. */
  giveAll(
    names: readonly ValueName[],
    layout: 'plain' | 'packed',
    type: string,
    inputs: readonly number[],
    main?: Main,
  ): void
  /** Adds an operator whose result has no name in the graph. */
  inner(type: string, inputs: readonly number[], main?: Main): number
  floats(values: ArrayLike<number>, dims: readonly number[]): number
  ints(values: ArrayLike<number>, dims?: readonly number[]): number
  /** All tensors of a value, in either layout. */
  tensorsOf(name: ValueName): number[]
  /** The value is another one. */
  alias(name: ValueName, of: ValueName): void
}

export function createDraft(graph: Graph, bytes: Bytes): Draft {
  const ops: Op[] = []
  const tensors: string[] = []
  const places = new Map<ValueName, Place>()
  const aliases = new Map<ValueName, ValueName>()
  const taken = new Set<string>()
  const real = (name: ValueName): ValueName => {
    let at = name
    while (aliases.has(at)) at = aliases.get(at)!
    return at
  }
  const tensor = (name: string): number => {
    let free = name
    for (let i = 1; taken.has(free); i++) free = `${name}_${i}`
    taken.add(free)
    return tensors.push(free) - 1
  }
  const add = (
    name: string,
    type: string,
    inputs: readonly number[],
    main: Main | undefined,
    outputs: readonly number[],
  ): void => {
    ops.push({
      name,
      type: opTypeOf(type),
      ...(inputs.length > 0 ? { inputIndexes: Int32Array.from(inputs) } : {}),
      outputIndexes: Int32Array.from(outputs),
      ...(main ? { main } : {}),
    })
  }
  const single = (name: string, type: string, inputs: readonly number[], main?: Main): number => {
    const index = tensor(name)
    add(tensors[index], type, inputs, main, [index])
    return index
  }
  const constant = (name: string, values: ArrayLike<number>, dims: readonly number[], whole: boolean): number =>
    single(name, 'Const', [], {
      name: 'Blob',
      value: {
        dims: Int32Array.from(dims),
        dataType: whole ? 3 : 1,
        ...(whole ? { int32s: Int32Array.from(values) } : { float32s: Float32Array.from(values) }),
      },
    })
  const draft: Draft = {
    ops,
    tensors,
    use: async (asked, layout) => {
      const name = real(asked)
      let place = places.get(name)
      if (!place) {
        const data = graph.values.get(name)!.data!
        const { values, whole } = await numbersOf(data, bytes)
        place = { plain: constant(name, values, data.shape, whole) }
        places.set(name, place)
      }
      const found = place[layout]
      if (found !== undefined) return found
      const from = layout === 'packed' ? place.plain! : place.packed!
      const [source, dest] = layout === 'packed' ? [layouts.nchw, layouts.nc4hw4] : [layouts.nc4hw4, layouts.nchw]
      const made = single(`${name}/${layout}`, 'ConvertTensor', [from], {
        name: 'TensorConvertInfo',
        value: { source, dest },
      })
      place[layout] = made
      return made
    },
    layoutOf: name => (places.get(real(name))?.packed !== undefined ? 'packed' : 'plain'),
    give: (name, layout, type, inputs, main) => {
      places.set(name, { [layout]: single(outputName(name, layout), type, inputs, main) })
    },
    giveAll: (names, layout, type, inputs, main) => {
      const indices = names.map(name => tensor(outputName(name, layout)))
      add(tensors[indices[0]], type, inputs, main, indices)
      for (const [i, name] of names.entries()) places.set(name, { [layout]: indices[i] })
    },
    inner: (type, inputs, main) => single(`inner_${tensors.length}`, type, inputs, main),
    floats: (values, dims) => constant(`constant_${tensors.length}`, values, dims, false),
    ints: (values, dims = [values.length]) => constant(`constant_${tensors.length}`, values, dims, true),
    tensorsOf: name => Object.values(places.get(real(name)) ?? {}),
    alias: (name, of) => void aliases.set(name, of),
  }
  /** Outputs of the network are plain, under their own name. */
  const outputs = new Set(graph.outputs)
  const outputName = (name: ValueName, layout: 'plain' | 'packed'): string =>
    layout === 'packed' && outputs.has(name) ? `${name}/packed` : name
  for (const name of graph.outputs) taken.delete(name)
  return draft
}

const largestInt = 2147483647

/** Numbers as MNN keeps them: floats in 32 bits, whole numbers and truths in int32. */
export async function numbersOf(tensor: Tensor, bytes: Bytes): Promise<{ values: ArrayLike<number>; whole: boolean }> {
  const view = viewAs(tensor.dtype, await bytes.read(tensor))
  switch (tensor.dtype) {
    case 'float32':
    case 'float64':
      return { values: view as Float32Array, whole: false }
    case 'float16':
      return { values: Float32Array.from(view as Uint16Array, fromHalf), whole: false }
    default:
      return { values: Int32Array.from(view as Exclude<TypedArray, bigint>, clamped), whole: true }
  }
}

const clamped = (value: number | bigint): number => Math.min(largestInt, Math.max(-largestInt, Number(value)))
