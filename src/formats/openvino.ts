// OpenVINO's intermediate representation (IR) of versions 10 and 11: an XML file with layers, their ports and the edges between them,
// and a .bin file of raw little-endian constants, which `Const` layers name by offset and size. Format as openvino 2026.4 writes it
// (openvinotoolkit/openvino: src/core/xml_util/src/xml_serialize_util.cpp, xml_deserialize_util.cpp).
import type { DType } from '../base/dtype.ts'
import { StudioError } from '../base/errors.ts'
import { element, parseXml, printXml, type XmlElement } from './xml.ts'

export interface IrPort {
  id: number
  /** Element type as ports spell it: FP32, I64, BOOL; empty where the file does not say. */
  precision: string
  /** Names of the tensor; outputs only. */
  names: readonly string[]
  /** -1 where the dimension is dynamic. */
  dims: readonly number[]
}

export interface IrLayer {
  id: number
  name: string
  type: string
  /** Operator set, `opset1`. */
  version: string
  data: ReadonlyMap<string, string>
  inputs: readonly IrPort[]
  outputs: readonly IrPort[]
  /** Names of a model's output, at a Result. */
  outputNames: readonly string[]
  /** It has a graph inside: If, Loop, TensorIterator. */
  body: boolean
  /** A Convert that only unpacks half floats. On integers it would keep the runtime from computing with them. */
  decompression?: boolean
}

export interface IrEdge {
  fromLayer: number
  fromPort: number
  toLayer: number
  toPort: number
}

export interface IrNet {
  name: string
  version: number
  layers: readonly IrLayer[]
  edges: readonly IrEdge[]
}

// The names of types in `element_type` and in a port's `precision`.
const types: readonly (readonly [dtype: DType, element: string, precision: string])[] = [
  ['float32', 'f32', 'FP32'],
  ['float16', 'f16', 'FP16'],
  ['bfloat16', 'bf16', 'BF16'],
  ['float64', 'f64', 'FP64'],
  ['int64', 'i64', 'I64'],
  ['int32', 'i32', 'I32'],
  ['int16', 'i16', 'I16'],
  ['int8', 'i8', 'I8'],
  ['int4', 'i4', 'I4'],
  ['uint64', 'u64', 'U64'],
  ['uint32', 'u32', 'U32'],
  ['uint16', 'u16', 'U16'],
  ['uint8', 'u8', 'U8'],
  ['uint4', 'u4', 'U4'],
  ['uint2', 'u2', 'U2'],
  ['bool', 'boolean', 'BOOL'],
  ['float8e4m3fn', 'f8e4m3', 'F8E4M3'],
  ['float8e5m2', 'f8e5m2', 'F8E5M2'],
  ['float8e8m0', 'f8e8m0', 'F8E8M0'],
  ['float4e2m1', 'f4e2m1', 'F4E2M1'],
]
const byElement = new Map(types.map(([dtype, name]) => [name, dtype]))
const byPrecision = new Map(types.map(([dtype, , name]) => [name, dtype]))
const byDtype = new Map(types.map(type => [type[0], type]))

/** The type behind an `element_type`, or null. */
export const dtypeOfElement = (name: string): DType | null => byElement.get(name) ?? null
/** The type behind a port's `precision`, or null. */
export const dtypeOfPrecision = (name: string): DType | null => byPrecision.get(name) ?? null
/** The `element_type` for a type that the format has, or null. */
export const elementOf = (dtype: DType): string | null => byDtype.get(dtype)?.[1] ?? null
export const precisionOf = (dtype: DType): string | null => byDtype.get(dtype)?.[2] ?? null

export function readOpenvino(source: string, file: string): IrNet {
  const root = parseXml(source, file)
  const fail = (what: string): StudioError => malformed(file, what)
  if (root.name !== 'net') throw fail(`its root element is ${root.name}, not net`)
  const version = Number(root.attributes.get('version'))
  const layers = childOf(root, 'layers')
  const edges = childOf(root, 'edges')
  if (!layers) throw fail('it has no layers')
  if (version !== 10 && version !== 11)
    throw new StudioError('unsupported', `${file} is OpenVINO IR of version ${root.attributes.get('version') ?? '?'}`, {
      where: { file },
      hint: 'Versions 10 and 11 are read; convert the original model again with OpenVINO 2022.1 or later.',
    })
  return {
    name: root.attributes.get('name') ?? '',
    version,
    layers: layers.children.filter(e => e.name === 'layer').map(e => layerOf(e, file)),
    edges: (edges?.children ?? []).filter(e => e.name === 'edge').map(e => edgeOf(e, file)),
  }
}

const malformed = (file: string, what: string): StudioError =>
  new StudioError('malformed', `${file} is no OpenVINO model: ${what}`, {
    where: { file },
    hint: 'Export the model again, or copy the file again.',
  })

const childOf = (parent: XmlElement, name: string): XmlElement | undefined => parent.children.find(e => e.name === name)

function layerOf(layer: XmlElement, file: string): IrLayer {
  const { attributes } = layer
  const text = (key: string): string => {
    const value = attributes.get(key)
    if (value === undefined) throw malformed(file, `a layer has no ${key}`)
    return value
  }
  const ports = (which: string): IrPort[] =>
    (childOf(layer, which)?.children ?? []).filter(e => e.name === 'port').map(port => portOf(port, file))
  return {
    id: integer(text('id'), 'the id of a layer', file),
    name: text('name'),
    type: text('type'),
    version: attributes.get('version') ?? 'opset1',
    data: childOf(layer, 'data')?.attributes ?? new Map(),
    inputs: ports('input'),
    outputs: ports('output'),
    outputNames: namesOf(attributes.get('output_names')),
    body: layer.children.some(e => e.name === 'body' || e.name.endsWith('_body')),
  }
}

const portOf = ({ attributes, children }: XmlElement, file: string): IrPort => ({
  id: integer(attributes.get('id'), 'the id of a port', file),
  precision: attributes.get('precision') ?? '',
  names: namesOf(attributes.get('names')),
  dims: children.filter(e => e.name === 'dim').map(dim => integer(dim.text, 'a dimension of a port', file)),
})

function edgeOf({ attributes }: XmlElement, file: string): IrEdge {
  const at = (key: string): number => integer(attributes.get(key), `${key} of an edge`, file)
  return { fromLayer: at('from-layer'), fromPort: at('from-port'), toLayer: at('to-layer'), toPort: at('to-port') }
}

function integer(text: string | undefined, what: string, file: string): number {
  if (text !== undefined && /^-?\d{1,15}$/.test(text.trim())) return Number(text)
  throw malformed(file, `${what} is ${text === undefined ? 'not there' : JSON.stringify(text)}`)
}

/** Names are parted by commas; a comma inside one follows a backslash. */
const namesOf = (text: string | undefined): string[] =>
  text ? text.split(/(?<!\\),/).map(name => name.replaceAll('\\,', ',')) : []
const joined = (names: readonly string[]): string => names.map(name => name.replaceAll(',', '\\,')).join(',')

/** The XML file of a net. */
export function writeOpenvino({ name, version, layers, edges }: IrNet): string {
  const port = ({ id, precision, names, dims }: IrPort): XmlElement =>
    element(
      'port',
      { id, precision, ...(names.length > 0 ? { names: joined(names) } : {}) },
      dims.map(dim => element('dim', {}, [], String(dim))),
    )
  const unpacks = element('rt_info', {}, [element('attribute', { name: 'decompression', version: 0 })])
  const layer = ({ id, name, type, version, data, inputs, outputs, outputNames, decompression }: IrLayer): XmlElement =>
    element(
      'layer',
      { id, name, type, version, ...(outputNames.length > 0 ? { output_names: joined(outputNames) } : {}) },
      [
        ...(data.size > 0 ? [element('data', Object.fromEntries(data))] : []),
        ...(decompression ? [unpacks] : []),
        ...(inputs.length > 0 ? [element('input', {}, inputs.map(port))] : []),
        ...(outputs.length > 0 ? [element('output', {}, outputs.map(port))] : []),
      ],
    )
  const edge = ({ fromLayer, fromPort, toLayer, toPort }: IrEdge): XmlElement =>
    element('edge', { 'from-layer': fromLayer, 'from-port': fromPort, 'to-layer': toLayer, 'to-port': toPort })
  return printXml(
    element('net', { name, version }, [
      element('layers', {}, layers.map(layer)),
      element('edges', {}, edges.map(edge)),
      element('rt_info'),
    ]),
  )
}
