// The layers, edges and constants of an OpenVINO model while it is put together. Constants are streamed from where they lie; small
// ones that are equal are kept once.
import { byteLength, type DType, elementCount } from '../../base/dtype.ts'
import { elementOf, type IrEdge, type IrLayer, type IrNet, type IrPort, precisionOf } from '../../formats/openvino.ts'
import type { Bytes } from '../../ir/context.ts'
import type { Dim, ValueName } from '../../ir/model.ts'
import { isSlice, type Tensor } from '../../ir/tensor.ts'

export type Dims = readonly Dim[] | null

/** An output of a layer. */
export interface Port {
  readonly layer: number
  readonly port: number
  readonly dtype: DType
  readonly dims: Dims
}

export interface Output {
  dtype: DType
  dims: Dims
}

export type Data = Readonly<Record<string, string | number | boolean | readonly number[]>>

export interface LayerSpec {
  name: string
  type: string
  version?: number // of the operator set; default 1
  data?: Data
  inputs: readonly Port[]
  outputs: readonly Output[]
  outputNames?: readonly string[]
  /** A Convert that only unpacks half floats. */
  decompression?: true
}

/** Turns a tensor's bytes into those that are written. */
export type Change = (bytes: Uint8Array) => Uint8Array

interface Part {
  tensor: Tensor
  change: Change | null
}

const largestShared = 256

export class NetBuilder {
  private readonly layers: IrLayer[] = []
  private readonly edges: IrEdge[] = []
  private readonly parts: Part[] = []
  private readonly names = new Map<string, ValueName[]>() // of ports
  private readonly shared = new Map<string, number>() // offsets of small constants
  private readonly ids = new Set<string>()
  private end = 0

  layer(spec: LayerSpec): Port[] {
    const { name, type, version = 1, data = {}, inputs, outputs } = spec
    const id = this.layers.length
    const port = (at: number, { dtype, dims }: Output): IrPort => ({
      id: at,
      precision: precisionOf(dtype) ?? '',
      names: [],
      dims: (dims ?? []).map(dim => (typeof dim === 'number' && dim >= 0 ? dim : -1)),
    })
    this.layers.push({
      id,
      name: this.unique(name),
      type,
      version: `opset${version}`,
      data: new Map(Object.entries(data).map(([key, value]) => [key, textOf(value)])),
      inputs: inputs.map((input, i) => port(i, input)),
      outputs: outputs.map((output, i) => port(inputs.length + i, output)),
      outputNames: spec.outputNames ?? [],
      body: false,
      ...(spec.decompression ? { decompression: true } : {}),
    })
    for (const [i, { layer, port }] of inputs.entries())
      this.edges.push({ fromLayer: layer, fromPort: port, toLayer: id, toPort: i })
    return outputs.map((output, i) => ({ layer: id, port: inputs.length + i, ...output }))
  }

  /** A constant, in another shape than the tensor's where one is given; `change` keeps the number of bytes. */
  constant(name: string, tensor: Tensor, shape: readonly number[] = tensor.shape, change: Change | null = null): Port {
    const { dtype, data } = tensor
    const size = byteLength(dtype, elementCount(tensor.shape))
    const key = size <= largestShared && !isSlice(data) && change === null ? `${dtype} ${data.join(' ')}` : null
    let offset = key === null ? undefined : this.shared.get(key)
    if (offset === undefined) {
      offset = this.end
      this.parts.push({ tensor, change })
      this.end += size
      if (key !== null) this.shared.set(key, offset)
    }
    const [port] = this.layer({
      name,
      type: 'Const',
      data: { element_type: elementOf(dtype) ?? '', shape, offset, size },
      inputs: [],
      outputs: [{ dtype, dims: shape }],
    })
    return port
  }

  /** Gives a port one more name; a model's inputs and outputs are known by theirs. */
  call({ layer, port }: Port, name: ValueName): void {
    const key = `${layer} ${port}`
    const names = this.names.get(key) ?? []
    if (!names.includes(name)) this.names.set(key, [...names, name])
  }

  net(name: string): IrNet {
    const layers = this.layers.map(layer => ({
      ...layer,
      outputs: layer.outputs.map(port => ({ ...port, names: this.names.get(`${layer.id} ${port.id}`) ?? [] })),
    }))
    return { name, version: 11, layers, edges: this.edges }
  }

  async *constants(bytes: Bytes): AsyncIterable<Uint8Array> {
    for (const { tensor, change } of this.parts) {
      const data = await bytes.read(tensor)
      yield change === null ? data : change(data)
    }
  }

  private unique(wish: string): string {
    let name = wish
    for (let i = 1; this.ids.has(name); i++) name = `${wish}_${i}`
    this.ids.add(name)
    return name
  }
}

const textOf = (value: Data[string]): string => (typeof value === 'object' ? value.join(', ') : String(value))
