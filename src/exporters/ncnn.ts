// ncnn: a .param with the layers, a .bin with their weights, and beside them the scales as the table that ncnn's own tools read.
import { concat, outFile, utf8 } from '../base/bytes.ts'
import { viewAs } from '../base/dtype.ts'
import { NcnnBinWriter } from '../formats/ncnn-bin.ts'
import { printNcnnParam } from '../formats/ncnn-param.ts'
import { type NcnnTable, printNcnnTable } from '../formats/ncnn-table.ts'
import type { Bytes } from '../ir/context.ts'
import type { ValueName } from '../ir/model.ts'
import { floatsOf } from './floats.ts'
import { planNcnn } from './ncnn/plan.ts'
import { howToRun, sampleProgram } from './ncnn/sample.ts'
import type { Part, PlannedLayer } from './ncnn/types.ts'
import { mirrored, shiftedBias } from './ncnn/zero-point.ts'
import { refused } from './refused.ts'
import type { Edge, Exporter } from './types.ts'

export const ncnn: Exporter = {
  id: 'ncnn',
  label: 'ncnn',
  check: model => planNcnn(model).problems,
  write: async (model, _target, { form, bytes, preprocess }) => {
    const { layers, blobs, problems } = planNcnn(model)
    if (problems.length > 0) throw refused(problems)
    const bin = new NcnnBinWriter()
    const table: NcnnTable = { weights: [], activations: [] }
    for (const layer of layers) await writeParts(layer, bin, table, form === 'float16', bytes)
    const param = printNcnnParam(layers)
    const quantised = table.activations.length > 0
    const files = [outFile('model.param', param), outFile('model.bin', concat(bin.parts))]
    if (quantised) files.push(outFile('model.table', utf8(printNcnnTable(table))))
    const { graph } = model
    const edges: Record<ValueName, Edge> = {}
    for (const [name, blob] of blobs)
      if (blob !== name || graph.values.get(name)?.dtype !== 'float32') {
        const shape = graph.values.get(name)?.shape ?? []
        edges[name] = { name: blob, shape, layout: null, dtype: 'float32', scale: null, zeroPoint: null }
      }
    const inputs = graph.inputs.filter(name => blobs.has(name))
    const described = inputs.map(name => ({
      blob: blobs.get(name)!,
      shape: graph.values.get(name)!.shape as readonly number[],
      preprocess: preprocess[name] ?? null,
    }))
    const outputs = graph.outputs.map(name => blobs.get(name)!)
    return {
      files,
      roles: { param: 'model.param', bin: 'model.bin', ...(quantised ? { table: 'model.table' } : {}) },
      notes: ['ncnn takes one sample at a time: its blobs have no batch.'],
      edges,
      around: [outFile('sample/run.cpp', utf8(sampleProgram(described, outputs)))],
      howToRun: howToRun(described),
    }
  },
}

async function writeParts(
  { name, parts }: PlannedLayer,
  bin: NcnnBinWriter,
  table: NcnnTable,
  half: boolean,
  bytes: Bytes,
): Promise<void> {
  let codes: Int8Array = new Int8Array()
  for (const part of parts) {
    if (part.kind === 'codes') {
      const laid = ordered(viewAs('int8', await bytes.read(part.tensor)) as Int8Array, part)
      codes = part.negated ? mirrored(laid) : laid
      bin.int8(codes)
    } else if (part.kind === 'weight') {
      const values = ordered(await floatsOf(part.tensor, bytes), part)
      if (half) bin.float16(values)
      else bin.float32(values)
    } else if (part.kind === 'raw') bin.raw(spread(await floatsOf(part.tensor, bytes), part.count))
    else if (part.kind === 'bias') bin.raw(await shiftedBias(part, codes, bytes))
    else if (part.kind === 'multipliers') {
      const scales = spread(
        (await floatsOf(part.tensor, bytes)).map(scale => 1 / scale),
        part.count,
      )
      bin.raw(scales)
      table.weights.push({ name: `${name}_param_0`, scales: [...scales] })
    } else if (part.kind === 'input') {
      const { scale, zero } = part.rounded
      bin.raw(Float32Array.of(1 / scale))
      // Its tools know no zero points: the whole range on both sides.
      table.activations.push({ name, scales: [Math.fround(127 / ((127 + Math.abs(zero)) * scale))] })
    } else bin.raw(Float32Array.from(part.values))
  }
}

const ordered = <T extends Float32Array | Int8Array>(
  values: T,
  { order }: Extract<Part, { kind: 'weight' | 'codes' }>,
): T => (order ? (values.map((_: number, i: number) => values[order(i)]) as T) : values)

const spread = (values: Float32Array, count: number): Float32Array =>
  values.length === count ? values : new Float32Array(count).fill(values[0])
