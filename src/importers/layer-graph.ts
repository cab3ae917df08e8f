// Builds the graph of a format whose networks are lists of layers (ncnn, Caffe): a layer becomes one node or a few, shapes are known as
// the layers come, and a layer that only passes a blob on becomes no node at all.
import { bytesOf } from '../base/dtype.ts'
import { StudioError } from '../base/errors.ts'
import { type Attr, type Dim, float, type Model, type Node, type Value, type ValueName } from '../ir/model.ts'
import { int64s, type Tensor } from '../ir/tensor.ts'
import { verify } from '../ir/verify.ts'
import { factsOfModel } from '../ops/infer.ts'

/** Opset that nodes are made in, and the version of the file format that goes with it. */
const opset = 17
const irVersion = 8

export type AttrList = Record<string, Attr>

export class LayerGraph {
  readonly #nodes: Node[] = []
  readonly #values = new Map<ValueName, Value>()
  readonly #inputs: ValueName[] = []
  readonly #aliases = new Map<ValueName, ValueName>()
  readonly #taken: Set<string>
  readonly #ids = new Set<string>()
  /** Name of the layer that nodes are being made for. */
  layer = ''

  /** `taken` are the names of the format's own blobs, which no made-up value may get. */
  constructor(taken: Iterable<string>) {
    this.#taken = new Set(taken)
  }

  input(name: ValueName, shape: readonly Dim[]): void {
    this.#inputs.push(name)
    this.#values.set(name, { name, dtype: 'float32', shape, data: null })
  }

  /** The name behind a blob that a layer passed on. */
  resolve(name: ValueName): ValueName {
    const behind = this.#aliases.get(name)
    return behind === undefined ? name : this.resolve(behind)
  }

  alias(name: ValueName, of: ValueName): void {
    this.#aliases.set(name, this.resolve(of))
  }

  /** Shape as far as it is known; null also where the rank is not. */
  shape(name: ValueName): readonly Dim[] | null {
    return this.#values.get(this.resolve(name))?.shape ?? null
  }

  /** Rank, which all layers that depend on it can count on. */
  rank(name: ValueName): number {
    const shape = this.shape(name)
    if (shape) return shape.length
    throw this.refuse(`the number of dimensions of its input ${name} is not known`, 'Give the shape of the input.')
  }

  /** An initializer; its name begins with that of the layer. */
  constant(what: string, tensor: Tensor): ValueName {
    const name = this.fresh(`${this.layer}.${what}`)
    this.#values.set(name, { name, dtype: tensor.dtype, shape: tensor.shape, data: tensor })
    return name
  }
  floats(
    what: string,
    values: readonly number[] | Float32Array,
    shape: readonly number[] = [values.length],
  ): ValueName {
    return this.constant(what, { dtype: 'float32', shape, data: bytesOf(Float32Array.from(values)) })
  }
  ints(what: string, values: readonly number[]): ValueName {
    return this.constant(what, int64s(values))
  }

  fresh(base: string): string {
    let name = base
    for (let i = 1; this.#taken.has(name); i++) name = `${base}_${i}`
    this.#taken.add(name)
    return name
  }

  /** Adds a node and gives its first output. Without `outputs`, one is made up. */
  node(
    op: string,
    inputs: readonly (ValueName | null)[],
    outputs: readonly ValueName[] = [this.fresh(`${this.layer}.${op}`)],
    attrs: AttrList = {},
  ): ValueName {
    let id = this.layer
    for (let i = 1; this.#ids.has(id); i++) id = `${this.layer}.${op}${i > 1 ? i : ''}`
    this.#ids.add(id)
    const node: Node = {
      id,
      op,
      domain: '',
      name: id,
      inputs: inputs.map(name => name && this.resolve(name)),
      outputs,
      attrs: new Map(Object.entries(attrs)),
      origin: [id],
    }
    this.#nodes.push(node)
    const facts = factsOfModel(this.#alone(node))
    for (const name of outputs) {
      const { dtype = null, shape = null } = facts.get(name) ?? {}
      this.#values.set(name, { name, dtype, shape, data: null })
    }
    return outputs[0]
  }

  /** y = x op the numbers, along the channels of a value of that rank. */
  channelwise(op: string, x: ValueName, what: string, tensor: Tensor, output?: ValueName): ValueName {
    const [count] = tensor.shape
    const rank = this.rank(x)
    const shape = count === 1 ? [] : [count, ...new Array<number>(Math.max(0, rank - 2)).fill(1)]
    return this.node(op, [x, this.constant(what, { ...tensor, shape })], output === undefined ? undefined : [output])
  }

  clip(x: ValueName, min: number, max: number, output?: ValueName): ValueName {
    const bounds = [this.floats('min', [min], []), this.floats('max', [max], [])]
    return this.node('Clip', [x, ...bounds], output === undefined ? undefined : [output])
  }

  leakyRelu(x: ValueName, slope: number, output?: ValueName): ValueName {
    const out = output === undefined ? undefined : [output]
    return slope === 0 ? this.node('Relu', [x], out) : this.node('LeakyRelu', [x], out, { alpha: float(slope) })
  }

  refuse(what: string, hint: string): StudioError {
    return new StudioError('unsupported', `The layer ${this.layer} cannot be read: ${what}`, {
      where: { node: this.layer },
      hint,
    })
  }

  /** The finished model; blobs that a layer passed on and that are outputs get a name of their own. */
  finish(name: string, outputs: readonly ValueName[], producer: string): Model {
    for (const output of outputs) {
      const behind = this.resolve(output)
      if (behind === output) continue
      this.layer = output
      this.node('Identity', [behind], [output])
    }
    const graph = { name, inputs: this.#inputs, outputs, nodes: this.#nodes, values: this.#values }
    verify(graph)
    return {
      graph,
      functions: [],
      opsets: { '': opset },
      irVersion,
      meta: {},
      producer: { name: producer, version: '', domain: '', modelVersion: 0 },
    }
  }

  /** A model of one node, for shape inference of what it gives. */
  #alone(node: Node): Model {
    const values = new Map<ValueName, Value>()
    for (const name of node.inputs) {
      const value = name === null ? undefined : this.#values.get(name)
      if (value) values.set(value.name, value)
    }
    const inputs = [...values.values()].filter(value => !value.data).map(value => value.name)
    return {
      graph: { name: '', inputs, outputs: node.outputs as ValueName[], nodes: [node], values },
      functions: [],
      opsets: { '': opset },
      irVersion,
      meta: {},
      producer: { name: '', version: '', domain: '', modelVersion: 0 },
    }
  }
}
