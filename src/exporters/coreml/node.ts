// One node of the graph while it becomes operations of an ML Program: what a lowering may ask of it and make in its place. Every shape
// is known.
import { elementCount } from '../../base/dtype.ts'
import type { MilDType } from '../../formats/coreml.ts'
import type { Node, ValueName } from '../../ir/model.ts'
import type { Tensor } from '../../ir/tensor.ts'
import { type GraphView, Refused } from '../graph-view.ts'
import { NodeReader } from '../node-reader.ts'
import type { Argument, Literal, Val } from './program.ts'
import { constantVal, unpackedConstant } from './weights.ts'
import { castTo, milType, type Writing, withinHalf } from './writing.ts'

export type Lowering = (n: NodeWriter) => void

export class NodeWriter extends NodeReader {
  readonly writing: Writing
  constructor(node: Node, writing: Writing) {
    super(node)
    this.writing = writing
  }

  get graph(): GraphView {
    return this.writing.graph
  }
  val(input: number): Val {
    return valOf(this.name(input), this.writing)
  }
  shape(input: number): number[] {
    return this.graph.shape(this.name(input))
  }
  rank(input: number): number {
    return this.shape(input).length
  }
  tensor(input: number): Tensor | null {
    return this.graph.constant(this.node.inputs[input])
  }
  numbers(input: number): readonly number[] | null {
    return this.graph.numbers(this.node.inputs[input])
  }
  /** Whether an input is a constant, of numbers or codes. */
  isConstant(input: number): boolean {
    if (this.tensor(input)) return true
    const maker = this.graph.producer(this.name(input))
    return maker?.op === 'DequantizeLinear' && this.graph.constant(maker.inputs[0]) !== null
  }
  /** An input that must be a constant; null where there is none. */
  constant(input: number, what: string): Val | null {
    if (!this.has(input)) return null
    return this.isConstant(input) ? this.val(input) : this.refuse(`its ${what} is computed, where a constant is needed`)
  }
  /** What an input reads as weights [N, K]: constants are turned where they are written. Null where they are computed. */
  turned(input: number): Val | null {
    const tensor = this.tensor(input)
    if (tensor) return constantVal(this.name(input), tensor, this.writing, true)
    const maker = this.graph.producer(this.name(input))
    return maker?.op === 'DequantizeLinear' ? unpackedConstant(maker, this.writing, true) : null
  }
  /** An axis counted from the front. */
  axis(value: number, rank = this.rank(0)): number {
    return value < 0 ? value + rank : value
  }
  used(output: number): boolean {
    const name = this.node.outputs[output]
    return name != null && (this.graph.isOutput(name) || this.graph.consumers(name).length > 0)
  }

  outShape(output = 0): number[] {
    return this.graph.shape(this.node.outputs[output]!)
  }
  /** The type that an output has in the program. */
  outType(output = 0): MilDType {
    return milType(this.node.outputs[output]!, this.writing)
  }

  /** A number of the type of the floats that are computed with. */
  real(value: number, dtype: MilDType = this.val(0).dtype): Literal {
    return { dtype, shape: [], values: [dtype === 'float16' ? withinHalf(value) : value] }
  }
  /** An operation on the way, with one output. */
  step(type: string, inputs: Readonly<Record<string, Argument>>, shape: readonly number[], dtype?: MilDType): Val {
    const { program } = this.writing
    const output = { name: program.name(`${this.node.outputs[0]}_${type}`), dtype: dtype ?? this.outType(), shape }
    this.#limit(shape)
    program.op(type, inputs, [output])
    return output
  }
  /** The operation that makes the node's outputs. */
  give(type: string, inputs: Readonly<Record<string, Argument>>): void {
    const { program, publicNames, vals } = this.writing
    const outputs = this.node.outputs.map((name, i) => {
      if (name === null) return { name: program.name(`${this.node.id}_${i}`), ...this.#outOf(0) }
      const type = this.#outOf(i)
      const known = publicNames.get(name)
      const output = known?.dtype === type.dtype ? known : { name: program.name(name), ...type }
      vals.set(name, output)
      return output
    })
    program.op(type, inputs, outputs)
  }
  #outOf(output: number) {
    const shape = this.outShape(output)
    this.#limit(shape)
    return { dtype: this.outType(output), shape }
  }
  #limit(shape: readonly number[]): void {
    if (shape.length > 5) this.refuse(`it gives ${shape.length} dimensions, where Core ML has at most 5`)
    if (elementCount(shape) === 0) this.refuse('it gives nothing: one of its dimensions is 0')
  }
  /** An output is what a value is already. */
  set(val: Val, output = 0): void {
    const name = this.node.outputs[output]
    if (name != null) this.writing.vals.set(name, val)
  }
  cast(val: Val, dtype: MilDType): Val {
    return val.dtype === dtype ? val : castTo(val, dtype, `${val.name}_${dtype}`, this.writing.program)
  }
  refuse(why: string, fix?: string): never {
    throw new Refused(why, fix)
  }
}

/** The value of the program that a value of the graph is; constants are written when they are first read. */
export function valOf(name: ValueName, writing: Writing): Val {
  const known = writing.vals.get(name)
  if (known) return known
  const tensor = writing.graph.constant(name)
  const maker = tensor ? null : writing.graph.producer(name)
  const made = tensor
    ? constantVal(name, tensor, writing)
    : maker?.op === 'DequantizeLinear'
      ? unpackedConstant(maker, writing)
      : null
  if (!made) throw new Refused(`no node gives ${name}`, 'Check the model and export it again.')
  writing.vals.set(name, made)
  return made
}
