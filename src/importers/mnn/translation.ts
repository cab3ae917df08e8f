// What the translation of one MNN operator works with: its inputs and outputs by name, and short ways to add standard nodes.
import { type DType, onnxCode, viewAs } from '../../base/dtype.ts'
import { StudioError } from '../../base/errors.ts'
import { type Op, opTypeName, type Parameters, type Region } from '../../formats/mnn-schema.ts'
import { inlineLimit } from '../../formats/protobuf-walk.ts'
import { type Attr, int, type ValueName } from '../../ir/model.ts'
import { int64s, type Slice, type Tensor } from '../../ir/tensor.ts'
import type { Fact } from '../../ops/types.ts'
import { type Draft, floatScalar } from './graph.ts'

export interface Translation {
  draft: Draft
  /** What shape inference tells of a value of the draft as it stands. */
  factOf(name: ValueName): Fact | null
  /** Where in a file bytes lie, null for those that were unpacked. */
  locate(array: Uint8Array): Slice | null
  notes: string[]
}

export interface Place {
  node: string
  inputs: readonly ValueName[]
  outputs: readonly ValueName[]
  /** Of a Raster: the shape of its output, and what is copied from where. */
  dims: readonly number[] | null
  regions: readonly (Region & { from: ValueName; fromDims: readonly number[] | null })[]
}

/** What a translation gives back, so that none can forget to end in the operator's outputs. */
export type Ended = 'ended'

export interface Step extends Place {
  type: string
  layout: number // defaultDimentionFormat
  notes: string[]
  /** The operator's parameters, where it has those of this kind. */
  param<K extends keyof Parameters>(kind: K): Parameters[K] | null
  /** As `param`; an error where they are missing. */
  need<K extends keyof Parameters>(kind: K): Parameters[K]
  /** A name for a value inside the operator. */
  fresh(what: string): ValueName
  /** Adds a node with one output of a new name. */
  add(op: string, inputs: readonly (ValueName | null)[], attrs?: Readonly<Record<string, Attr>>): ValueName
  /** Adds the node that gives the operator's outputs. */
  end(op: string, inputs: readonly (ValueName | null)[], attrs?: Readonly<Record<string, Attr>>): Ended
  constant(tensor: Tensor, what: string): ValueName
  /** A constant that is the operator's output itself. */
  endConstant(tensor: Tensor): Ended
  constantOf(name: ValueName): Tensor | null
  /** The same operator with other outputs. */
  to(outputs: readonly ValueName[]): Step
  /** Bytes of the file stay in the file where they are many. */
  tensor(dtype: DType, shape: readonly number[], bytes: Uint8Array): Tensor
  scalar(value: number): ValueName
  ints(values: readonly number[]): ValueName
  /** The value as int64, which shapes and axes must be in the standard operators. */
  int64(name: ValueName): ValueName
  int32(name: ValueName): ValueName
  bool(name: ValueName): ValueName
  /** The numbers of a small integer tensor that is constant, or follows from shapes that are known; or null. */
  numbers(name: ValueName | undefined): number[] | null
  /** Axes of a value, null where their number is not known. */
  rank(name: ValueName): number | null
  refuse(what: string, hint?: string): StudioError
}

export function stepOf(translation: Translation, op: Op, place: Place): Step {
  const { draft, locate, notes, factOf } = translation
  const { node } = place
  const type = opTypeName(op.type)
  const fresh = (what: string): ValueName => draft.fresh(`${place.outputs[0] ?? node}/${what}`)
  const add: Step['add'] = (name, inputs, attrs) => {
    const output = fresh(name)
    draft.node(name, inputs, [output], { attrs, origin: node })
    return output
  }
  const param = <K extends keyof Parameters>(kind: K): Parameters[K] | null =>
    op.main && op.main.name === kind ? (op.main as unknown as { value: Parameters[K] }).value : null
  const refuse: Step['refuse'] = (what, hint = 'Convert the model from its source, as ONNX, and open that.') =>
    new StudioError('unsupported', `${node} (${type}) ${what}`, { where: { node }, hint })
  const constant: Step['constant'] = (tensor, what) => draft.constant(fresh(what), tensor)
  const cast = (name: ValueName, dtype: DType): ValueName => add('Cast', [name], { to: int(onnxCode(dtype)) })
  const numbers: Step['numbers'] = name => {
    if (name === undefined) return null
    const tensor = draft.constantOf(name)
    if (tensor) {
      if (!(tensor.data instanceof Uint8Array) || (tensor.dtype !== 'int32' && tensor.dtype !== 'int64')) return null
      return Array.from(viewAs(tensor.dtype, tensor.data) as Int32Array, Number)
    }
    const content = factOf(name)?.content
    return content?.every(n => typeof n === 'number') ? (content as number[]) : null
  }
  return {
    ...place,
    type,
    layout: op.defaultDimentionFormat,
    notes,
    param,
    need: kind => {
      const found = param(kind)
      if (found) return found
      throw new StudioError('malformed', `${node} (${type}) lacks its parameters`, {
        where: { node },
        hint: 'Copy or convert the model again.',
      })
    },
    fresh,
    add,
    end: (name, inputs, attrs) => {
      draft.node(name, inputs, place.outputs, { attrs, origin: node })
      return 'ended'
    },
    constant,
    endConstant: tensor => {
      draft.constant(place.outputs[0], tensor)
      return 'ended'
    },
    constantOf: draft.constantOf,
    to: outputs => stepOf(translation, op, { ...place, outputs }),
    tensor: (dtype, shape, bytes) => {
      const slice = bytes.length > inlineLimit ? locate(bytes) : null
      return { dtype, shape, data: slice ?? bytes.slice() }
    },
    scalar: value => constant(floatScalar(value), 'number'),
    ints: values => constant(int64s(values), 'integers'),
    int64: name => {
      const known = numbers(name)
      const tensor = draft.constantOf(name)
      return known && tensor ? constant(int64s(known, tensor.shape), 'integers') : cast(name, 'int64')
    },
    int32: name => cast(name, 'int32'),
    bool: name => cast(name, 'bool'),
    numbers,
    rank: name => factOf(name)?.shape?.length ?? null,
    refuse,
  }
}
