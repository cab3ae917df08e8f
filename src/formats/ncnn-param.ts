// ncnn's .param: the layers of a network in the order in which they run, each with its blobs and numbered parameters; as text or binary.
// Tencent/ncnn: docs/developer-guide/param-and-model-file-structure.md, src/net.cpp, src/paramdict.cpp.
import { text, utf8 } from '../base/bytes.ts'
import { StudioError } from '../base/errors.ts'
import { layerTypes } from './ncnn-layer-types.ts'

/** Numbers of a parameter. The binary form does not say whether they are integers or floats: it keeps their 32 bits. */
export interface NcnnParam {
  kind: 'int' | 'float' | 'bits'
  values: readonly number[]
  array: boolean
}

export interface NcnnLayer {
  type: string
  name: string
  inputs: readonly string[]
  outputs: readonly string[]
  params: ReadonlyMap<number, NcnnParam | string>
}

export const ncnnMagic = 7767517
/** An array's key is this less its parameter's number. */
const arrayKey = -23300
/** In the binary form, text has keys from here on. */
const stringKey = -23400
const endOfParams = -233

const refuse = (file: string, what: string): StudioError =>
  new StudioError('malformed', `${file} is no ncnn network: ${what}`, {
    where: { file },
    hint: 'Copy or download the file again, or convert the model again with pnnx or onnx2ncnn.',
  })

export function readNcnnParam(bytes: Uint8Array, file: string): NcnnLayer[] {
  const binary = bytes.length >= 4 && wordsOf(bytes).getInt32(0, true) === ncnnMagic
  const layers = binary ? parseBinary(bytes, file) : parseNcnnParam(text(bytes), file)
  const names = new Set<string>()
  for (const { name } of layers) {
    if (names.has(name)) throw refuse(file, `two layers have the name ${name}`)
    names.add(name)
  }
  return layers
}

export function parseNcnnParam(source: string, file: string): NcnnLayer[] {
  const lines = source.split(/\r?\n/).filter(line => line.trim() !== '' && !line.trim().startsWith('#'))
  if (lines[0]?.trim() !== String(ncnnMagic)) throw refuse(file, `it does not begin with ${ncnnMagic}`)
  const counts = lines[1]?.trim().split(/\s+/).map(Number) ?? []
  if (counts.length !== 2 || !counts.every(n => Number.isInteger(n) && n > 0))
    throw refuse(file, 'its second line is not the number of layers and of blobs')
  const layers = lines.slice(2).map(line => layerOf(line.trim(), file))
  if (layers.length < counts[0])
    throw new StudioError('truncated', `${file} says it has ${counts[0]} layers, and ${layers.length} are there`, {
      where: { file },
      hint: 'Copy or download the file again, completely.',
    })
  if (layers.length > counts[0])
    throw refuse(file, `it says it has ${counts[0]} layers, and ${layers.length} are there`)
  return layers
}

function layerOf(line: string, file: string): NcnnLayer {
  const [type, name, inputCount, outputCount, ...rest] = line.split(/\s+/)
  const ins = Number(inputCount)
  const outs = Number(outputCount)
  const sound = Number.isInteger(ins) && Number.isInteger(outs) && ins >= 0 && outs >= 0 && rest.length >= ins + outs
  if (!sound) throw refuse(file, `this is not a layer with its blobs: ${line}`)
  const params = new Map<number, NcnnParam | string>()
  for (const word of rest.slice(ins + outs)) {
    const equals = word.indexOf('=')
    const key = Number(word.slice(0, equals))
    if (equals < 1 || !Number.isInteger(key)) throw refuse(file, `the layer ${name} has the parameter ${word}`)
    const given = word.slice(equals + 1)
    const isArray = key <= arrayKey
    if (/^["a-zA-Z]/.test(given)) {
      params.set(key, given.replace(/^"(.*)"$/, '$1'))
      continue
    }
    const [length, ...elements] = given.split(',')
    const words = isArray ? elements : [given]
    const values = words.map(Number)
    if (!values.every(Number.isFinite) || (isArray && Number(length) !== values.length) || (!isArray && key < 0))
      throw refuse(file, `the layer ${name} has the parameter ${word}`)
    const kind = words.some(w => /[.e]/i.test(w)) ? 'float' : 'int'
    params.set(isArray ? arrayKey - key : key, { kind, values, array: isArray })
  }
  return { type, name, inputs: rest.slice(0, ins), outputs: rest.slice(ins, ins + outs), params }
}

const wordsOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** The binary form has no names: blobs and layers are numbered. */
function parseBinary(bytes: Uint8Array, file: string): NcnnLayer[] {
  const view = wordsOf(bytes)
  let at = 4
  const word = (): number => {
    if (at + 4 > bytes.length)
      throw new StudioError('truncated', `${file} ends too early, after ${bytes.length} bytes`, {
        where: { file },
        hint: 'Copy or download the file again, completely.',
      })
    at += 4
    return view.getInt32(at - 4, true)
  }
  const count = (): number => {
    const n = word()
    if (n < 0 || n > bytes.length) throw refuse(file, `it counts ${n} where there are ${bytes.length} bytes`)
    return n
  }
  const words = (n: number): number[] => Array.from({ length: n }, word)
  const layerCount = count()
  count()
  const layers: NcnnLayer[] = []
  for (let i = 0; i < layerCount; i++) {
    const index = word()
    const type = layerTypes[index]
    if (type === undefined) throw refuse(file, `layer ${i} is of the type ${index}, which is not known here`)
    const ins = count()
    const outs = count()
    const inputs = words(ins).map(n => `blob${n}`)
    const outputs = words(outs).map(n => `blob${n}`)
    const params = new Map<number, NcnnParam>()
    for (let key = word(); key !== endOfParams; key = word()) {
      if (key <= stringKey) throw refuse(file, `layer ${i} has a parameter of text`)
      const array = key <= arrayKey
      params.set(array ? arrayKey - key : key, { kind: 'bits', values: words(array ? count() : 1), array })
    }
    layers.push({ type, name: `${type}_${i}`, inputs, outputs, params })
  }
  return layers
}

const scratch = new DataView(new ArrayBuffer(4))
const floatOfBits = (bits: number): number => {
  scratch.setInt32(0, bits)
  return scratch.getFloat32(0)
}

const paramOf = (layer: NcnnLayer, id: number): NcnnParam | null => {
  const param = layer.params.get(id)
  return param === undefined || typeof param === 'string' ? null : param
}

// Reading parameters, with the layer's default.

export const paramInts = (layer: NcnnLayer, id: number): readonly number[] =>
  paramOf(layer, id)?.values.map(Math.trunc) ?? []
export const paramInt = (layer: NcnnLayer, id: number, fallback: number): number => paramInts(layer, id)[0] ?? fallback
export function paramFloats(layer: NcnnLayer, id: number): readonly number[] {
  const param = paramOf(layer, id)
  return param?.kind === 'bits' ? param.values.map(floatOfBits) : (param?.values.map(Math.fround) ?? [])
}
export const paramFloat = (layer: NcnnLayer, id: number, fallback: number): number =>
  paramFloats(layer, id)[0] ?? fallback

// Writing.

export const intParam = (value: number): NcnnParam => ({ kind: 'int', values: [value], array: false })
export const floatParam = (value: number): NcnnParam => ({ kind: 'float', values: [value], array: false })
export const intsParam = (values: readonly number[]): NcnnParam => ({ kind: 'int', values, array: true })
export const floatsParam = (values: readonly number[]): NcnnParam => ({ kind: 'float', values, array: true })

/** The text form. Layers stand in the order in which they run. */
export function printNcnnParam(layers: readonly NcnnLayer[]): Uint8Array {
  const blobs = new Set(layers.flatMap(layer => layer.outputs))
  const lines = layers.map(({ type, name, inputs, outputs, params }) =>
    [
      type.padEnd(24),
      name.padEnd(24),
      `${inputs.length} ${outputs.length}`,
      ...inputs,
      ...outputs,
      ...[...params].map(([id, param]) => paramText(id, param)),
    ].join(' '),
  )
  return utf8(`${ncnnMagic}\n${layers.length} ${blobs.size}\n${lines.map(line => `${line}\n`).join('')}`)
}

function paramText(id: number, param: NcnnParam | string): string {
  if (typeof param === 'string') return `${id}="${param}"`
  const { kind, values, array } = param
  const words = values.map(value => (kind === 'float' ? floatText(value) : String(value)))
  return array ? `${arrayKey - id}=${[values.length, ...words].join(',')}` : `${id}=${words[0]}`
}

/** ncnn reads at most 15 characters, and takes a number for a float by its point or exponent; nine digits tell every float32 apart. */
const floatText = (value: number): string =>
  Math.fround(value)
    .toExponential(8)
    .replace(/e([+-])(\d)$/, 'e$10$2')
