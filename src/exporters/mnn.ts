// MNN: one FlatBuffer with the graph and its weights, in floats, in halves, or in codes of 8 or 4 bits that the runtime makes
// floats of when it loads them (alibaba/MNN, schema/default, source/core/ConvolutionCommon.cpp).
import { outFile, utf8 } from '../base/bytes.ts'
import { isFloat } from '../base/dtype.ts'
import { type MnnNetPart, writeMnn } from '../formats/mnn.ts'
import { layouts, opTypeOf, origins } from '../formats/mnn-schema.ts'
import { type Graph, type Model, type Node, requiredInputs, type ValueName } from '../ir/model.ts'
import { infer } from '../ops/infer.ts'
import { type Codes, type Lowering, refuse } from './mnn/context.ts'
import { createDraft } from './mnn/draft.ts'
import { rules } from './mnn/ops.ts'
import { codesOf, described, fusedActivations } from './mnn/quantized.ts'
import { pythonProgram, pythonSaid } from './sample/python.ts'
import type { Edge, Exporter, Problem, WriteOptions } from './types.ts'

const source = 'alibaba/MNN: schema/default/MNN.fbs, OpType'

export const mnn: Exporter = {
  id: 'mnn',
  label: 'MNN',
  check: ({ graph }) =>
    graph.nodes.flatMap((node): Problem[] =>
      known(node)
        ? []
        : [
            {
              node: node.id,
              op: node.op,
              why: 'has no counterpart in the files that are written for MNN',
              level: 'refused',
              source,
            },
          ],
    ),
  write: async (model, _target, { form, bytes, preprocess }) => {
    const { record, notes } = await lowered(infer(model), bytes, form)
    const file = outFile('model.mnn', writeMnn(record))
    return {
      files: [file],
      roles: { model: file.path },
      notes,
      edges: edgesOf(model.graph, preprocess),
      around: [outFile('sample/run.py', utf8(runPython))],
      howToRun,
    }
  },
}

const known = ({ op, domain }: Node): boolean =>
  domain === '' && (Object.hasOwn(rules, op) || op === 'QuantizeLinear' || op === 'DequantizeLinear')

async function lowered(
  model: Model,
  bytes: Lowering['bytes'],
  form: string,
): Promise<{ record: MnnNetPart; notes: string[] }> {
  const { graph } = model
  const draft = createDraft(graph, bytes)
  const producer = new Map<ValueName, Node>()
  for (const node of graph.nodes) for (const name of node.outputs) if (name !== null) producer.set(name, node)
  const codes = new Map<ValueName, Codes>()
  for (const node of graph.nodes)
    if (node.op === 'QuantizeLinear') codes.set(node.inputs[0]!, await codesOf({ graph, bytes }, node))
  const fused = fusedActivations(graph, codes)
  const lowering: Lowering = {
    graph,
    opset: model.opsets[''] ?? 1,
    bytes,
    draft,
    producer,
    notes: [],
    fused,
    codes,
    halves: form === 'float16',
  }
  const done = new Set([...fused.values()].map(({ by }) => by))
  for (const name of requiredInputs(graph)) {
    const { shape, dtype } = graph.values.get(name)!
    const dims = Int32Array.from(shape ?? [], d => (typeof d === 'number' ? d : -1))
    const whole = dtype !== null && !isFloat(dtype)
    draft.give(name, 'plain', 'Input', [], {
      name: 'Input',
      value: { dims, dtype: whole ? 3 : 1, dformat: layouts.nchw },
    })
  }
  for (const node of graph.nodes) {
    if (!known(node)) throw refuse(node, 'has no counterpart in MNN', 'Cut the graph before it with --outputs.')
    if (node.op === 'QuantizeLinear' || (node.op === 'DequantizeLinear' && !graph.values.get(node.inputs[0]!)?.data))
      draft.alias(node.outputs[0]!, node.inputs[0]!)
    // Weights are read by the layer that takes them, activations computed by the one before.
    if (node.op.endsWith('antizeLinear') || isWeightCast(node, graph) || done.has(node.id)) continue
    await rules[node.op](lowering, node)
  }
  for (const name of graph.outputs) await finish(lowering, name)
  return {
    record: {
      bizCode: 'thimble',
      sourceType: origins.onnx,
      tensorName: draft.tensors,
      tensorNumber: draft.tensors.length,
      outputName: graph.outputs,
      oplists: draft.ops,
      ...(codes.size > 0 ? { extraTensorDescribe: described(lowering) } : {}),
      extraInfo: { version: '3.6.1' },
    },
    notes: lowering.notes,
  }
}

/** Halves that are widened before a layer takes them. */
const isWeightCast = (node: Node, graph: Graph): boolean =>
  node.op === 'Cast' && !!graph.values.get(node.inputs[0] ?? '')?.data

/** Outputs lie plain under their own names. */
async function finish({ draft, graph }: Lowering, name: ValueName): Promise<void> {
  const tensor = await draft.use(name, 'plain')
  if (draft.tensors[tensor] === name) return
  const last = draft.ops.at(-1)!
  // Most often the conversion that has just been added needs only the right name.
  const free = !draft.tensors.includes(name)
  if (free && last.type === opTypeOf('ConvertTensor') && last.outputIndexes?.[0] === tensor) {
    draft.tensors[tensor] = name
    return
  }
  const dims = (graph.values.get(name)?.shape ?? []).map(Number)
  draft.give(name, 'plain', 'Reshape', [tensor], { name: 'Reshape', value: { dims: Int32Array.from(dims) } })
}

/** MNN has no 64-bit numbers and no truths of one byte; what has four axes it takes for NCHW unless it is told better. */
function edgesOf(graph: Graph, preprocess: WriteOptions['preprocess']): Record<ValueName, Edge> {
  const edges: Record<ValueName, Edge> = {}
  for (const name of [...requiredInputs(graph), ...graph.outputs]) {
    const { dtype, shape } = graph.values.get(name) ?? { dtype: null, shape: null }
    const layout = preprocess[name]?.layout ?? (shape?.length === 4 ? 'NCHW' : null)
    const own = dtype === null || isFloat(dtype) ? 'float32' : 'int32'
    edges[name] = { name, shape: shape ?? [], layout, dtype: own, scale: null, zeroPoint: null }
  }
  return edges
}

const howToRun = `\`\`\`
pip install MNN numpy && python sample/run.py
\`\`\`

${pythonSaid} A file that MNN cannot make a session of gives
zeros without a word: look at what \`createSession\` prints.`

const runPython = pythonProgram({
  packages: 'MNN',
  imports: 'import MNN',
  body: `
def load():
    net = MNN.Interpreter(str(here / manifest["files"]["model"]))
    return net, net.createSession({"backend": "CPU", "precision": "high"})


def infer(session, feeds):
    net, session = session
    inputs, outputs = net.getSessionInputAll(session), net.getSessionOutputAll(session)
    kinds = {"int32": MNN.Halide_Type_Int, "float32": MNN.Halide_Type_Float}
    for t in manifest["inputs"]:
        x = np.ascontiguousarray(feeds[t["name"]], t["targetDtype"])
        plain = MNN.Tensor(tuple(x.shape), kinds[t["targetDtype"]], x, MNN.Tensor_DimensionType_Caffe)
        inputs[t["targetName"]].copyFrom(plain)
    net.runSession(session)
    results = {}
    for t in manifest["outputs"]:
        tensor = outputs[t["targetName"]]
        shape, dtype = tensor.getShape(), t["targetDtype"]
        plain = MNN.Tensor(shape, kinds[dtype], np.zeros(shape, dtype), MNN.Tensor_DimensionType_Caffe)
        tensor.copyToHostTensor(plain)
        results[t["name"]] = np.array(plain.getNumpyData(), copy=True).reshape(shape)
    return results

`,
})
