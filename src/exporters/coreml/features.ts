// What a Core ML model takes and gives: arrays, or an image whose pixels the program itself turns into what the graph is fed.
import type { ImageInput } from '../../data/input-spec.ts'
import type { Feature, MilDType } from '../../formats/coreml.ts'
import type { ValueName } from '../../ir/model.ts'
import { Refused } from '../graph-view.ts'
import type { Edge } from '../types.ts'
import { valOf } from './node.ts'
import { ints, type Val } from './program.ts'
import { castTo, milType, type Writing } from './writing.ts'

export interface Featured {
  feature: Feature
  edge: Edge
  /** What the program's function takes, or gives. */
  val: Val
}

/** Type of an array outside: floats are float32, all else is int32. */
const outside = (dtype: MilDType): 'float32' | 'int32' =>
  dtype === 'float16' || dtype === 'float32' ? 'float32' : 'int32'

/** `image`: what is to be done with pixels, where the model takes an image. */
export function input(name: ValueName, image: ImageInput | null, writing: Writing): Featured {
  const { program, graph, vals } = writing
  const shape = graph.shape(name)
  if (image) return imageInput(name, image, writing)
  if (shape.length === 0) throw new Refused(`the input ${name} has no dimension`, 'Give it a dimension of 1.')
  const inside = milType(name, writing)
  const array = outside(inside)
  const val = { name: program.name(name), dtype: array, shape }
  vals.set(name, inside === array ? val : castTo(val, inside, `${val.name}_${inside}`, program))
  return { feature: { name: val.name, array, shape }, edge: edgeOf(val, array), val }
}

const edgeOf = ({ name, shape }: Val, dtype: 'float32' | 'int32' | 'uint8', layout: Edge['layout'] = null): Edge => ({
  name,
  shape,
  layout,
  dtype,
  scale: null,
  zeroPoint: null,
})

/** Whether an input is one image of one or three channels, which Core ML can scale and colour for itself. */
export function fitsImage(shape: readonly number[], { layout, color }: ImageInput): boolean {
  const channels = shape[layout === 'NCHW' ? 1 : 3]
  return shape.length === 4 && shape[0] === 1 && channels === (color === 'GRAY' ? 1 : 3)
}

/** value = (pixel * scale - mean) / std = pixel * (scale / std) + (-mean / std). */
function imageInput(name: ValueName, spec: ImageInput, writing: Writing): Featured {
  const { program, graph, vals, float } = writing
  const shape = graph.shape(name)
  const [height, width, channels] = spec.layout === 'NCHW' ? [shape[2], shape[3], shape[1]] : shape.slice(1)
  const val: Val = { name: program.name(name), dtype: 'float32', shape: [1, channels, height, width] }
  const perChannel = (f: (c: number) => number) => ({
    dtype: 'float32' as const,
    shape: [1, channels, 1, 1],
    values: Array.from({ length: channels }, (_, c) => f(c)),
  })
  const at = (list: readonly number[], c: number): number => list[c % list.length]
  const step = (type: string, x: Val, inputs: Parameters<typeof program.op>[1], to = x.shape): Val => {
    const output = { name: program.name(`${val.name}_${type}`), dtype: x.dtype, shape: to }
    program.op(type, { x, ...inputs }, [output])
    return output
  }
  let x = val
  const [factor, offset] = [
    perChannel(c => spec.scale / at(spec.std, c)),
    perChannel(c => -at(spec.mean, c) / at(spec.std, c)),
  ]
  if (factor.values.some(v => v !== 1)) x = step('mul', x, { y: factor })
  if (offset.values.some(v => v !== 0)) x = step('add', x, { y: offset })
  if (spec.layout === 'NHWC') x = step('transpose', x, { perm: ints([0, 2, 3, 1]) }, shape)
  // Pixels stay floats where the graph has codes: its first operator makes floats of them at once.
  vals.set(name, float === 'float32' ? x : castTo(x, float, `${val.name}_${float}`, program))
  return {
    feature: { name: val.name, image: spec.color, width, height },
    edge: edgeOf(val, 'uint8', 'NCHW'),
    val,
  }
}

/** The name under which an output is given, before anything is written. */
export function announced(name: ValueName, writing: Omit<Writing, 'publicNames' | 'vals'>): Val {
  const shape = writing.graph.shape(name)
  if (shape.length === 0) throw new Refused(`the output ${name} has no dimension`, 'Give it a dimension of 1.')
  return { name: writing.program.name(name), dtype: outside(milType(name, writing)), shape }
}

/** An output, made of the value that stands for it where no operation gave it yet. */
export function output(name: ValueName, writing: Writing): Featured {
  const { program, publicNames } = writing
  const val = publicNames.get(name)!
  const held = valOf(name, writing)
  const array = outside(val.dtype)
  if (held.name !== val.name) {
    if (held.dtype === val.dtype) program.op('identity', { x: held }, [val])
    else castTo(held, val.dtype, val.name, program, val)
  }
  return { feature: { name: val.name, array, shape: val.shape }, edge: edgeOf(val, array), val }
}
