// OpenVINO layers to the graph: what a lowering of one layer may ask and make, and the walk over all layers in order.
// Constants stay in their file, ports become values under the names that the runtime gives them.
import type { ByteSource } from '../../base/bytes.ts'
import { byteLength, elementCount } from '../../base/dtype.ts'
import { StudioError } from '../../base/errors.ts'
import { dtypeOfElement, dtypeOfPrecision, type IrLayer, type IrNet, type IrPort } from '../../formats/openvino.ts'
import { inlineLimit } from '../../formats/protobuf-walk.ts'
import { type Attr, type Dim, type Graph, int, ints, type Node, type Value, type ValueName } from '../../ir/model.ts'
import { floats, int64s, type Tensor, tensorOf } from '../../ir/tensor.ts'
import { type Attributes, type Compressed, type Layer, numbersOf } from './layer.ts'
import { lowerings } from './ops.ts'
import { sortLayers } from './order.ts'
import { write as writeCompressed } from './weights.ts'

/** Version of the standard operator set that the nodes are of: the first in which weights may have 4 bits, in blocks. */
export const opset = 21

export async function graphFrom(net: IrNet, constants: readonly [string, ByteSource] | null): Promise<Graph> {
  const { layers, sourceOf, usersOf } = sortLayers(net)
  const values = new Map<ValueName, Value>()
  const nodes: Node[] = []
  const inputs = new Map<IrLayer, ValueName>()
  const outputs = new Map<IrLayer, ValueName>()
  const names = new Map<string, ValueName>() // by layer and port
  const tensors = new Map<ValueName, Tensor>()
  const converted = new Map<ValueName, Tensor>() // constants behind a Convert
  const packed = new Map<ValueName, Compressed>()
  const ids = new Set<string>()
  const taken = new Set<ValueName>()

  const unique = (wish: string, used: Set<string>): string => {
    let name = wish
    for (let i = 1; used.has(name); i++) name = `${wish}_${i}`
    used.add(name)
    return name
  }
  // Names that the file gives come first, so that names of our own never push them aside.
  for (const layer of layers)
    for (const [index, port] of layer.outputs.entries()) {
      const users = usersOf(layer.id, port.id)
      const result = users.find(user => user.type === 'Result' && user.outputNames.length > 0)
      const [given] = port.names.length > 0 ? port.names : (result?.outputNames ?? [])
      const own = layer.outputs.length === 1 ? layer.name : `${layer.name}.${index}`
      const name = unique(given || own || `${layer.type}_${layer.id}`, taken)
      names.set(`${layer.id} ${port.id}`, name)
      const dims = port.dims.map(dim => (dim < 0 ? null : dim))
      values.set(name, { name, dtype: dtypeOfPrecision(port.precision), shape: dims, data: null })
    }
  const fresh = (wish: string): ValueName => unique(wish, taken)
  const store = (name: ValueName, tensor: Tensor): ValueName => {
    values.set(name, { name, dtype: tensor.dtype, shape: tensor.shape, data: tensor })
    tensors.set(name, tensor)
    return name
  }
  const read = async ({ data }: Tensor): Promise<Uint8Array> =>
    data instanceof Uint8Array ? data : constants![1].read(data.offset, data.length)
  const push = (layer: IrLayer, op: string, reads: Node['inputs'], makes: Node['outputs'], attrs: Attributes): void => {
    const own = makes.some(name => name !== null && layer.outputs.some(p => names.get(`${layer.id} ${p.id}`) === name))
    const id = unique(own ? layer.name : `${layer.name}/${op}`, ids)
    const attributes = new Map(
      Object.entries(attrs).map(([key, a]): [string, Attr] => [
        key,
        typeof a === 'number' ? int(a) : 'kind' in a ? a : ints(a),
      ]),
    )
    nodes.push({
      id,
      op,
      domain: '',
      name: id,
      inputs: lastUsed(reads),
      outputs: makes,
      attrs: attributes,
      origin: [id],
    })
  }

  const open = (layer: IrLayer): Layer => {
    const where = { node: layer.name }
    const source = (port: number): ValueName => {
      const from = port < layer.inputs.length ? sourceOf(layer.id, layer.inputs[port].id) : null
      const name = from && names.get(`${from[0].id} ${from[1]}`)
      if (name == null)
        throw new StudioError(
          'malformed',
          `Input ${port} of the layer ${layer.name} (${layer.type}) is not connected`,
          {
            where,
            hint: 'Export the model again.',
          },
        )
      return name
    }
    const at = (port: IrPort | undefined): readonly Dim[] => port?.dims.map(dim => (dim < 0 ? null : dim)) ?? []
    const outName = (port: number): ValueName => names.get(`${layer.id} ${layer.outputs[port].id}`)!
    const self: Layer = {
      name: layer.name,
      type: layer.type,
      version: Number(/\d+$/.exec(layer.version)?.[0] ?? 1),
      inputs: layer.inputs.length,
      outputs: layer.outputs.length,
      input: port => {
        const name = source(port)
        const weights = packed.get(name)
        if (weights) {
          packed.delete(name)
          writeCompressed(weights)
        }
        return name
      },
      dims: port => at(layer.inputs[port]),
      outDims: port => at(layer.outputs[port]),
      dtype: port => values.get(source(port))?.dtype ?? dtypeOfPrecision(layer.inputs[port].precision),
      outDtype: port => dtypeOfPrecision(layer.outputs[port].precision),
      used: output => usersOf(layer.id, layer.outputs[output]?.id ?? -1).length > 0,
      tensor: port => tensors.get(source(port)) ?? null,
      numbers: async port => {
        const tensor = self.tensor(port) ?? converted.get(source(port))
        return tensor ? numbersOf(tensor, await read(tensor)) : null
      },
      passNumbers: () => {
        const tensor = self.tensor(0)
        if (tensor) converted.set(outName(0), tensor)
      },
      must: async (port, what) => {
        const found = await self.numbers(port)
        return found ?? self.refuse(`its ${what} is computed, where a constant is needed`)
      },
      compressed: port => packed.get(source(port)) ?? null,
      setCompressed: weights => packed.set(outName(0), weights),
      text: (key, fallback) => layer.data.get(key) ?? fallback,
      number: (key, fallback) => {
        const text = layer.data.get(key)
        const value = text === undefined ? fallback : Number(text)
        return Number.isNaN(value) ? self.refuse(`its ${key} is ${JSON.stringify(text)}`) : value
      },
      list: key => {
        const list = (layer.data.get(key) ?? '').split(',').flatMap(part => (part.trim() === '' ? [] : [Number(part)]))
        return list.every(Number.isInteger) ? list : self.refuse(`its ${key} is ${JSON.stringify(layer.data.get(key))}`)
      },
      flag: (key, fallback) => {
        const text = layer.data.get(key)?.toLowerCase()
        return text === undefined ? fallback : text === 'true' || text === '1'
      },
      whole: async port => {
        if (self.dtype(port) === 'int64') return self.input(port)
        const found = await self.numbers(port)
        if (found) return self.constant(int64s(found, layer.inputs[port].dims))
        return self.node('Cast', [self.input(port)], { to: 7 })
      },
      constant: tensor => store(fresh(`${layer.name}/constant`), tensor),
      scalar: (value, dtype) => {
        const name = self.constant(tensorOf(floats([], [value])))
        return dtype == null || dtype === 'float32' ? name : self.node('CastLike', [name, self.input(0)])
      },
      whole64: list => self.constant(int64s(list)),
      node: (op, reads, attrs = {}) => self.nodes(op, reads, 1, attrs)[0],
      nodes: (op, reads, count, attrs = {}) => {
        const made = Array.from({ length: count }, () => fresh(`${layer.name}/${op}`))
        push(layer, op, reads, made, attrs)
        return made
      },
      give: (op, reads, attrs = {}) =>
        push(
          layer,
          op,
          reads,
          layer.outputs.map((_, i) => outName(i)),
          attrs,
        ),
      giveAt: (output, op, reads, attrs = {}) => push(layer, op, reads, [outName(output)], attrs),
      refuse: (what, hint = 'Export the model without it, or cut the graph before this layer with --outputs.') => {
        throw new StudioError('unsupported', `The layer ${layer.name} (${layer.type}) cannot be read: ${what}`, {
          where,
          hint,
        })
      },
    }
    return self
  }

  for (const layer of layers) {
    const self = open(layer)
    if (layer.type === 'Const') {
      const tensor = await constantFrom(layer, constants)
      store(names.get(`${layer.id} ${layer.outputs[0]?.id}`) ?? self.refuse('it has no output'), tensor)
    } else if (layer.type === 'Parameter') {
      const [port] = layer.outputs
      if (!port) self.refuse('it has no output')
      const name = names.get(`${layer.id} ${port.id}`)!
      const dtype = dtypeOfElement(self.text('element_type', '')) ?? dtypeOfPrecision(port.precision)
      if (dtype === null) self.refuse(`its element type is ${self.text('element_type', port.precision)}`)
      values.set(name, { name, dtype, shape: shapeOfParameter(self.text('shape', '')), data: null })
      inputs.set(layer, name)
    } else if (layer.type === 'Result') {
      const name = self.input(0)
      const shared = [...inputs.values(), ...outputs.values()].includes(name)
      const made = !shared && !tensors.has(name)
      const output = made ? name : fresh(layer.outputNames[0] || layer.name)
      if (!made) {
        values.set(output, { ...values.get(name)!, name: output, data: null })
        push(layer, 'Identity', [name], [output], {})
      }
      outputs.set(layer, output)
    } else {
      const lower = Object.hasOwn(lowerings, layer.type) ? lowerings[layer.type] : null
      if (!lower || layer.body || !/^opset\d+$/.test(layer.version)) refuseLayer(layer)
      await lower(self)
    }
  }
  const alive = living(nodes, new Set(outputs.values()))
  const touched = alive.flatMap(node => [...node.inputs, ...node.outputs])
  const kept = new Set<ValueName | null>([...inputs.values(), ...touched])
  for (const name of [...values.keys()]) if (!kept.has(name)) values.delete(name)
  // The runtime numbers inputs and outputs as the file lists them.
  const listed = (ends: ReadonlyMap<IrLayer, ValueName>): ValueName[] => net.layers.flatMap(l => ends.get(l) ?? [])
  return { name: net.name || 'model', inputs: listed(inputs), outputs: listed(outputs), nodes: alive, values }
}

/** The nodes that the outputs need; a constant whose numbers went into attributes leaves others behind. */
function living(nodes: readonly Node[], needed: Set<ValueName | null>): Node[] {
  const kept: Node[] = []
  for (const node of nodes.toReversed()) {
    if (!node.outputs.some(name => needed.has(name))) continue
    kept.push(node)
    for (const name of node.inputs) needed.add(name)
  }
  return kept.reverse()
}

function refuseLayer(layer: IrLayer): never {
  const custom = !/^opset\d+$/.test(layer.version)
  throw new StudioError(
    'unsupported',
    custom
      ? `The layer ${layer.name} is ${layer.type} of ${layer.version}, an extension whose meaning is not in the file`
      : layer.body
        ? `The layer ${layer.name} (${layer.type}) has a graph of its own inside, which is not read`
        : `The layer ${layer.name} is of the type ${layer.type}, which has no counterpart here`,
    {
      where: { node: layer.name },
      hint: 'Cut it off when the model is exported, and run that part outside of the model.',
    },
  )
}

/** Inputs that are absent at the end are left out. */
function lastUsed(reads: Node['inputs']): Node['inputs'] {
  let end = reads.length
  while (end > 0 && reads[end - 1] === null) end--
  return reads.slice(0, end)
}

/** `?` or -1 is a dimension that is not known, `1..8` one within bounds, `...` an unknown rank. */
function shapeOfParameter(text: string): readonly Dim[] | null {
  if (text.includes('...')) return null
  return text.split(',').flatMap(part => {
    const dim = part.trim()
    return dim === '' ? [] : [/^\d+$/.test(dim) ? Number(dim) : null]
  })
}

async function constantFrom(layer: IrLayer, constants: readonly [string, ByteSource] | null): Promise<Tensor> {
  const { data, name } = layer
  const where = { node: name }
  const type = data.get('element_type') ?? ''
  const dtype = dtypeOfElement(type)
  if (dtype === null)
    throw new StudioError('unsupported', `The constant ${name} has the element type ${type}, which is not known here`, {
      where,
      hint: 'Export the model with another type for its weights.',
    })
  const shape = shapeOfParameter(data.get('shape') ?? '')
  const [offset, size] = ['offset', 'size'].map(key => Number(data.get(key)))
  const whole = [offset, size].every(n => Number.isSafeInteger(n) && n >= 0)
  if (!shape?.every(dim => typeof dim === 'number') || !whole)
    throw new StudioError('malformed', `The constant ${name} has no shape, offset and size that can be read`, {
      where,
      hint: 'Export the model again.',
    })
  const dims = shape as number[]
  const wanted = byteLength(dtype, elementCount(dims))
  if (wanted === 0) return { dtype, shape: dims, data: new Uint8Array() }
  if (size !== wanted)
    throw new StudioError(
      'malformed',
      `The constant ${name} has ${size} bytes where [${dims}] of ${type} take ${wanted}`,
      {
        where,
        hint: 'Export the model again.',
      },
    )
  const [file, source] = constants!
  if (offset + size > source.size)
    throw new StudioError(
      'truncated',
      `The file ${file} ends at byte ${source.size}, inside the constant ${name}, which ends at ${offset + size}`,
      {
        where: { file, ...where },
        hint: `Copy ${file} again, completely; it must be the one written with the .xml file.`,
      },
    )
  const slice = { source: file, offset, length: size }
  const kept = size > inlineLimit ? slice : new Uint8Array(await source.read(offset, size))
  return { dtype, shape: dims, data: kept }
}
