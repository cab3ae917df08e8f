// Caffe: the layers as text, and a binary with the layers and their weights.
import { outFile, utf8 } from '../base/bytes.ts'
import { writeCaffemodel } from '../formats/caffemodel.ts'
import { type ProtoMessage, type ProtoValue, printPrototxt } from '../formats/prototxt.ts'
import type { Bytes } from '../ir/context.ts'
import type { Model, ValueName } from '../ir/model.ts'
import { type CaffePlan, planCaffe } from './caffe/plan.ts'
import type { PlannedBlob, PlannedLayer } from './caffe/types.ts'
import { floatsOf } from './floats.ts'
import { refused } from './refused.ts'
import { pythonProgram, pythonSaid } from './sample/python.ts'
import type { Edge, Exporter } from './types.ts'

export const caffe: Exporter = {
  id: 'caffe',
  label: 'Caffe',
  check: model => planCaffe(model).problems,
  write: async (model, _target, { bytes, name }) => {
    const { plan, prototxt, caffemodel } = await caffePair(model, bytes, name)
    const inputs = plan.inputs.map(input => input.blob).join(', ')
    return {
      files: [outFile('model.prototxt', utf8(prototxt)), outFile('model.caffemodel', caffemodel)],
      roles: { prototxt: 'model.prototxt', caffemodel: 'model.caffemodel' },
      notes: plan.notes,
      edges: edgesOf(model, plan),
      around: [outFile('sample/run.py', utf8(sample))],
      howToRun: `\`\`\`
pip install "opencv-python-headless<5" numpy && python sample/run.py
\`\`\`

${pythonSaid} It is OpenCV that
reads Caffe there. The network’s inputs: ${inputs}.`,
    }
  },
}

/** Both files of a network; an error that names the first node that cannot be written. */
export async function caffePair(
  model: Model,
  bytes: Bytes,
  name: string,
): Promise<{ plan: CaffePlan; prototxt: string; caffemodel: Uint8Array }> {
  const plan = planCaffe(model)
  if (plan.problems.length > 0) throw refused(plan.problems)
  const inputs = plan.inputs.map(({ blob, shape }) =>
    message({
      name: blob,
      type: 'Input',
      top: blob,
      input_param: message({ shape: message({ dim: [...shape] }) }),
    }),
  )
  const net = message({ name, layer: [...inputs, ...plan.layers.map(layerMessage)] })
  const blobs = new Map<string, { shape: readonly number[]; data: Float32Array }[]>()
  for (const layer of plan.layers) {
    const own = []
    for (const blob of layer.blobs) own.push({ shape: blob.shape, data: await numbersOf(blob, bytes) })
    if (own.length > 0) blobs.set(layer.name, own)
  }
  return { plan, prototxt: printPrototxt(net), caffemodel: writeCaffemodel(net, blobs) }
}

const message = (fields: Readonly<Record<string, ProtoValue | readonly ProtoValue[]>>): ProtoMessage =>
  new Map(Object.entries(fields).map(([key, value]) => [key, Array.isArray(value) ? value : [value]]))

const layerMessage = ({ name, type, inputs, outputs, param }: PlannedLayer): ProtoMessage =>
  message({ name, type, bottom: inputs, top: outputs, ...(param ? { [param[0]]: param[1] } : {}) })

async function numbersOf({ shape, tensor, from, values }: PlannedBlob, bytes: Bytes): Promise<Float32Array> {
  if (!tensor) return Float32Array.from(values ?? [])
  const data = await floatsOf(tensor, bytes)
  if (!from) return data
  return Float32Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, i) => {
    const at = from(i)
    return typeof at === 'number' ? data[at] : at.value
  })
}

/** Inputs and outputs whose names had to change, or that are no floats in the graph. */
export function edgesOf({ graph }: Model, { blobs }: CaffePlan): Record<ValueName, Edge> {
  const edges: Record<ValueName, Edge> = {}
  for (const [name, blob] of blobs) {
    if (blob === name && graph.values.get(name)?.dtype === 'float32') continue
    const shape = graph.values.get(name)?.shape ?? []
    edges[name] = { name: blob, shape, layout: null, dtype: 'float32', scale: null, zeroPoint: null }
  }
  return edges
}

const sample = pythonProgram({
  packages: '"opencv-python-headless<5"',
  imports: 'import cv2',
  body: `
def load():
    files = manifest["files"]
    return cv2.dnn.readNetFromCaffe(str(here / files["prototxt"]), str(here / files["caffemodel"]))


def infer(session, feeds):
    for tensor in manifest["inputs"]:
        session.setInput(feeds[tensor["name"]].astype(np.float32), tensor["targetName"])
    results = session.forward([t["targetName"] for t in manifest["outputs"]])
    # What is given is overwritten by the next run.
    return {t["name"]: result.copy() for t, result in zip(manifest["outputs"], results)}

`,
})
