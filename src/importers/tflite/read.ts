// A TFLite file to the graph: its first subgraph, operator by operator.
import { type ByteSource, readAll } from '../../base/bytes.ts'
import { StudioError } from '../../base/errors.ts'
import { isTflite, readTflite } from '../../formats/tflite.ts'
import { identifier } from '../../formats/tflite-schema.ts'
import type { Model } from '../../ir/model.ts'
import { sortNodes, verify } from '../../ir/verify.ts'
import { batchSpaces, dilated } from './batch-space.ts'
import { convolutions, type Translate } from './convolutions.ts'
import { elementwises } from './elementwise.ts'
import { type Op, TfliteGraph } from './graph.ts'
import { movements } from './movement.ts'
import { reductions } from './reductions.ts'
import { tensorsOf } from './tensors.ts'

// 16 and 4 bits behind DequantizeLinear came with this opset.
const opset = 21
const irVersion = 10

const translations: Readonly<Record<string, Translate>> = {
  ...convolutions,
  ...elementwises,
  ...movements,
  ...reductions,
  ...batchSpaces,
}

/** The model in a file that is known as `source`. */
export async function readModel(file: ByteSource, source: string): Promise<{ model: Model; notes: string[] }> {
  const bytes = await readAll(file)
  if (!isTflite(bytes))
    throw new StudioError(
      'not-a-model',
      `${file.name} is no TensorFlow Lite model: its identifier ${identifier} is missing`,
      {
        hint: 'Open a model file that ends in .tflite; if this is one, download or convert it again.',
      },
    )
  const record = readTflite(bytes, file.name)
  const subgraphs = record.subgraphs ?? []
  const [main] = subgraphs
  if (!main) throw damaged('The model has no graph')
  const tensors = tensorsOf(record, bytes, source)
  const [inputs, outputs] = [main.inputs, main.outputs].map(list => Array.from(list ?? []))
  if (outputs.length === 0) throw damaged('The model gives nothing')
  for (const index of [...inputs, ...outputs])
    if (!tensors[index]) throw damaged(`The model refers to tensor ${index}, which is not there`)

  const g = new TfliteGraph(tensors, inputs, outputs)
  const all = (main.operators ?? []).map(operator => {
    const code = record.operatorCodes?.[operator.opcodeIndex]
    if (!code) throw damaged(`The model refers to operator code ${operator.opcodeIndex}, which is not there`)
    return g.opOf(operator, code)
  })
  refuseUnknown(all)
  const ops = dilated(g, all, outputs)
  g.announce(ops)
  for (const op of ops) {
    g.begin(op)
    translations[op.name](g, op)
  }
  const graph = g.finished(main.name || 'main')
  const model: Model = {
    graph: { ...graph, nodes: sortNodes(graph.nodes) },
    functions: [],
    opsets: { '': opset },
    irVersion,
    meta: {},
    producer: { name: 'TensorFlow Lite', version: '', domain: '', modelVersion: 0 },
    doc: record.description ?? undefined,
  }
  verify(model.graph)
  return { model, notes: subgraphs.length > 1 ? [`Only the first of ${subgraphs.length} graphs is read.`] : [] }
}

/** All at once, so that nobody has to mend a model operator by operator. */
function refuseUnknown(ops: readonly Op[]): void {
  const unknown = ops.filter(op => !(op.name in translations))
  if (unknown.length === 0) return
  const names = [...new Set(unknown.map(op => op.name))]
  throw new StudioError('unsupported', `The model has operators that are not known here: ${names.join(', ')}`, {
    where: { node: unknown[0].id },
    hint: 'Convert the model without them: with fixed shapes, and cut before post-processing.',
  })
}

const damaged = (message: string): StudioError =>
  new StudioError('malformed', message, { hint: 'Copy or convert the model again: it is damaged.' })
