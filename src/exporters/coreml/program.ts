// The operations of an ML Program while it is put together. What no output needs is left out at the end.
import {
  type Blob,
  BlobFile,
  type MilBinding,
  type MilDType,
  type MilOperation,
  type MilType,
  type MilValue,
} from '../../formats/coreml.ts'
import type { Node } from '../../ir/model.ts'
import type { Refused } from '../graph-view.ts'

/** A value of the program. */
export interface Val extends MilType {
  readonly name: string
}

/** A constant that is written where it is read. */
export interface Literal {
  dtype: MilDType
  shape: readonly number[]
  values: readonly number[] | readonly string[] | readonly boolean[]
}

export type Argument = Val | readonly Val[] | Literal | null

export const ints = (values: readonly number[]): Literal => ({ dtype: 'int32', shape: [values.length], values })
export const int = (value: number): Literal => ({ dtype: 'int32', shape: [], values: [value] })
export const flag = (value: boolean): Literal => ({ dtype: 'bool', shape: [], values: [value] })
export const flags = (values: readonly boolean[]): Literal => ({ dtype: 'bool', shape: [values.length], values })
export const word = (value: string): Literal => ({ dtype: 'string', shape: [], values: [value] })

/** A constant of a constexpr operation: numbers, or a blob. */
export type Attribute = Literal | Blob

interface Draft {
  type: string
  inputs: readonly (readonly [string, readonly (string | { blob: Blob })[]])[]
  outputs: readonly Val[]
  attributes: readonly (readonly [string, Attribute])[]
  refusal: { node: Node; why: Refused } | null
}

// Names that mean something in the text form of programs: apple/coremltools, mil/passes/defs/preprocess.py, NameSanitizer.
const reserved =
  /^(any|bool|program|func|tensor|list|dict|tuple|true|false|string|state|bf16|fp16|fp32|fp64|u?int(8|16|32|64))$/

export class ProgramBuilder {
  readonly #drafts: Draft[] = []
  readonly #names = new Set<string>()
  #specification = 7

  /** Says that an operation came with a later version: 7 is iOS 16, 8 is iOS 17, 9 is iOS 18. */
  needs(specification: number): void {
    this.#specification = Math.max(this.#specification, specification)
  }

  /** A name that a program may have, and that nothing else has. */
  name(wish: string): string {
    const plain = wish.replace(/[^A-Za-z0-9_]/g, '_').replace(/^(?=[^A-Za-z_]|$)/, '_')
    const allowed = reserved.test(plain) ? `${plain}_` : plain
    let name = allowed
    for (let i = 0; this.#names.has(name); i++) name = `${allowed}_${i}`
    this.#names.add(name)
    return name
  }

  /** An operation; its outputs have names that `name` gave. */
  op(type: string, inputs: Readonly<Record<string, Argument>>, outputs: readonly Val[]): void {
    const bound = Object.entries(inputs).flatMap(([parameter, argument]) => {
      if (argument === null) return []
      const values = Array.isArray(argument) ? (argument as readonly Val[]) : [argument as Val | Literal]
      const names = values.map(v => ('name' in v ? v.name : this.constant(`${outputs[0].name}_${parameter}`, v).name))
      return [[parameter, names] as const]
    })
    this.#drafts.push({ type, inputs: bound, outputs, attributes: [named(outputs[0])], refusal: null })
  }

  constant(wish: string, value: Attribute): Val {
    const output = { name: this.name(wish), dtype: value.dtype as MilDType, shape: value.shape }
    const attributes = [['val', value] as const, named(output)]
    this.#drafts.push({ type: 'const', inputs: [], outputs: [output], attributes, refusal: null })
    return output
  }

  /** What makes a constant of constants when the program is loaded. Up to iOS 17 its parameters are attributes, later inputs. */
  constexpr(type: string, parameters: Readonly<Record<string, Attribute>>, output: Val): Val {
    const entries = Object.entries(parameters)
    const later = type === 'constexpr_blockwise_shift_scale'
    this.#drafts.push({
      type,
      inputs: later ? entries.map(([parameter, value]) => [parameter, [{ blob: value as Blob }]] as const) : [],
      outputs: [output],
      attributes: later ? [named(output)] : [...entries, named(output)],
      refusal: null,
    })
    return output
  }

  /** Stands for a node that cannot be written, which matters only where an output needs it; null where that is another's fault. */
  refuse(refusal: Draft['refusal'], inputs: readonly Val[], outputs: readonly Val[]): void {
    const bound = [['x', inputs.map(v => v.name)] as const]
    this.#drafts.push({ type: '', inputs: bound, outputs, attributes: [], refusal })
  }

  finish(results: readonly string[]): Finished {
    const wanted = new Set(results)
    const kept: Draft[] = []
    for (const draft of this.#drafts.toReversed()) {
      if (!draft.outputs.some(o => wanted.has(o.name))) continue
      kept.unshift(draft)
      for (const [, names] of draft.inputs) for (const name of names) if (typeof name === 'string') wanted.add(name)
    }
    const blobs = new BlobFile()
    return {
      specification: this.#specification,
      opset: `CoreML${this.#specification - 1}`,
      refusals: kept.flatMap(({ refusal }) => (refusal === null ? [] : [refusal])),
      operations: kept.map(({ type, inputs, outputs, attributes }) => ({
        type,
        inputs: inputs.map(([parameter, bound]) => [parameter, bound.map(b => bindingOf(b, blobs))] as const),
        outputs: outputs.map(({ name, dtype, shape }) => [name, { dtype, shape }] as const),
        attributes: attributes.map(([name, value]) => [name, written(value, blobs)] as const),
      })),
      blobs,
    }
  }
}

export interface Finished {
  specification: number
  opset: string
  refusals: readonly { node: Node; why: Refused }[]
  operations: readonly MilOperation[]
  blobs: BlobFile
}

const named = ({ name }: Val) => ['name', word(name)] as const

const bindingOf = (binding: string | { blob: Blob }, blobs: BlobFile): MilBinding =>
  typeof binding === 'string' ? binding : written(binding.blob, blobs)

const written = (value: Attribute, blobs: BlobFile): MilValue => {
  const type = { dtype: value.dtype as MilDType, shape: value.shape }
  return 'read' in value ? { type, blob: blobs.add(value) } : { type, values: value.values }
}
