// What a lowering asks of a node whatever is written: inputs by position, constants, attributes.
import { attrFloat, attrInt, attrInts, attrString, type Node, type ValueName } from '../ir/model.ts'

export abstract class NodeReader {
  readonly node: Node
  constructor(node: Node) {
    this.node = node
  }

  /** Numbers of an input that is a constant; null where it is computed. */
  abstract numbers(input: number): readonly number[] | null
  /** Gives the node up; `fix` is what can be done about it. */
  abstract refuse(why: string, fix?: string): never

  get inputs(): number {
    return this.node.inputs.length
  }
  has(input: number): boolean {
    return this.node.inputs[input] != null
  }
  name(input: number): ValueName {
    return this.node.inputs[input] ?? this.refuse(`its input ${input} is missing`)
  }
  must(input: number, what: string): readonly number[] {
    return this.numbers(input) ?? this.refuse(`its ${what} is computed, where a constant is needed`)
  }
  /** Whole numbers that are an attribute in older operator sets and an input in newer ones. */
  list(attribute: string, input: number): readonly number[] | null {
    return attrInts(this.node, attribute) ?? (this.has(input) ? this.must(input, attribute) : null)
  }
  int(attribute: string, fallback: number): number {
    return attrInt(this.node, attribute, fallback)
  }
  float(attribute: string, fallback: number): number {
    return attrFloat(this.node, attribute, fallback)
  }
  ints(attribute: string): number[] | null {
    return attrInts(this.node, attribute)
  }
  string(attribute: string, fallback: string): string {
    return attrString(this.node, attribute, fallback)
  }
}
