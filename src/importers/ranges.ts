// Ranges that another tool measured, by the names of our values: a TensorRT calibration cache, an ncnn table, AIMET encodings, our own JSON.
// Weights are left out: their ranges are their own. Names are those of ONNX values, but for ncnn, which names the layer whose input it is.
import { StudioError } from '../base/errors.ts'
import { nearest } from '../base/nearest.ts'
import { parseAimetEncodings } from '../formats/aimet-encodings.ts'
import { parseNcnnTable } from '../formats/ncnn-table.ts'
import { parseRangesJson } from '../formats/ranges-json.ts'
import { parseTensorrtCache } from '../formats/tensorrt-cache.ts'
import type { Graph, ValueName } from '../ir/model.ts'
import type { Range } from '../ir/quant.ts'

export interface RangeFile {
  format: 'tensorrt' | 'ncnn' | 'aimet' | 'thimble'
  /** By name as in the file, which may be a value's or a node's. */
  ranges: ReadonlyMap<string, Range>
}

const symmetric = (bound: number): Range => ({ min: -bound, max: bound })

/** Any of the four formats, told apart by how it begins. `file` names it in messages. */
export function readRanges(text: string, file: string): RangeFile {
  if (text.startsWith('TRT-')) {
    // A scale of zero says that the tensor was never seen.
    const known = parseTensorrtCache(text, file).scales.filter(s => s.scale > 0)
    return { format: 'tensorrt', ranges: new Map(known.map(s => [s.name, symmetric(127 * s.scale)])) }
  }
  if (text.trimStart().startsWith('{')) return fromJson(jsonOf(text, file), file)
  const { activations } = parseNcnnTable(text, file)
  return { format: 'ncnn', ranges: new Map(activations.map(a => [a.name, symmetric(127 / a.scales[0])])) }
}

function fromJson(json: object, file: string): RangeFile {
  if ('thimble' in json)
    return {
      format: 'thimble',
      ranges: new Map(parseRangesJson(json, file).map(({ name, ...range }) => [name, range])),
    }
  const integers = parseAimetEncodings(json, file).activations.filter(e => !e.float)
  const ranges = integers.map(({ name, bits, scales: [scale], offsets: [offset] }) => {
    const range = { min: offset * scale, max: (offset + (1 << bits) - 1) * scale }
    return [name, range] as const
  })
  return { format: 'aimet', ranges: new Map(ranges) }
}

function jsonOf(text: string, file: string): object {
  try {
    return JSON.parse(text) as object
  } catch (cause) {
    throw new StudioError('malformed', `${file} is no valid JSON: ${(cause as Error).message}`, {
      where: { file },
      hint: 'Mend the file; a comma or a quote is often the cause.',
      cause,
    })
  }
}

export interface RangesOfGraph {
  ranges: Record<ValueName, Range>
  /** Names that the graph does not have: other tools fuse and name layers of their own. */
  unknown: readonly string[]
}

/**
 * The ranges of a graph's values; of ncnn's layers, which are nodes by their names, those of first inputs. In our own file every name must
 * be there, of other tools' files at least one.
 */
export function rangesOf(file: RangeFile, graph: Graph, path: string): RangesOfGraph {
  // A value of unknown type stands in no list.
  const values = new Set([...graph.values.keys(), ...graph.nodes.flatMap(n => n.outputs)])
  const inputOf = new Map(graph.nodes.map(n => [n.name || String(n.outputs[0]), n.inputs[0]] as const))
  const ranges: Record<ValueName, Range> = {}
  const unknown: string[] = []
  for (const [name, range] of file.ranges) {
    const value = file.format === 'ncnn' ? inputOf.get(name) : values.has(name) ? name : undefined
    if (value == null) unknown.push(name)
    else ranges[value] = value in ranges ? union(ranges[value], range) : range
  }
  const mustAll = file.format === 'thimble'
  if (unknown.length > 0 && (mustAll || Object.keys(ranges).length === 0)) {
    const names = file.format === 'ncnn' ? [...inputOf.keys()] : [...values].filter(v => v !== null)
    throw new StudioError('bad-data', `${path} has a range for ${unknown[0]}, which the model does not have`, {
      where: { file: path, value: unknown[0] },
      hint: `Near names: ${nearest(unknown[0], names).join(', ')}.`,
    })
  }
  return { ranges, unknown }
}

/** One value that several layers read has one scale here. */
const union = (a: Range, b: Range): Range => ({ min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) })
