// safetensors: a model's weights by name, floats, halves, or codes beside their scales. The graph is not in it.
import { safetensorsHeader, safetensorsType } from '../formats/safetensors.ts'
import type { Bytes } from '../ir/context.ts'
import { attrInt, type Graph, type Model, type ValueName } from '../ir/model.ts'
import type { Tensor } from '../ir/tensor.ts'
import type { Exporter } from './types.ts'

interface Named extends Tensor {
  name: string
}

export const safetensors: Exporter = {
  id: 'safetensors',
  label: 'safetensors',
  write: async (model, _target, { form, bytes, name }) => {
    const { tensors: all, quantization } = namedTensors(model)
    const kept = all.filter(({ dtype }) => safetensorsType(dtype) !== null)
    const left = all.filter(({ dtype }) => safetensorsType(dtype) === null)
    const metadata = { format: 'pt', producer: 'thimble', source: name, form }
    const header = safetensorsHeader(kept, {
      ...metadata,
      ...(Object.keys(quantization).length > 0 ? { quantization: JSON.stringify(quantization) } : {}),
    })
    return {
      files: [{ path: 'model.safetensors', chunks: () => chunks(header, kept, bytes) }],
      roles: { model: 'model.safetensors' },
      notes: [
        'The graph is not in it: the weights go by the names that they have in the ONNX model.',
        ...(left.length > 0
          ? [
              `${left.length} tensors of ${[...new Set(left.map(t => t.dtype))].join(', ')} are left out, for which the format has no type.`,
            ]
          : []),
      ],
      around: [],
      howToRun,
    }
  },
}

async function* chunks(header: Uint8Array, tensors: readonly Named[], bytes: Bytes): AsyncIterable<Uint8Array> {
  yield header
  for (const tensor of tensors) yield await bytes.read(tensor)
}

/** Codes of a weight `w` as `w.qweight` (`w.codes` where scales lie along another axis than the first), beside `w.scale` and `w.zero_point`; where they lie is said in `quantization`. */
function namedTensors({ graph }: Model): { tensors: Named[]; quantization: Record<string, unknown> } {
  const names = new Map<ValueName, string>()
  const quantization: Record<string, unknown> = {}
  for (const node of graph.nodes) {
    const [codes, scale, zero] = node.inputs
    if (node.op !== 'DequantizeLinear' || !codes || !graph.values.get(codes)?.data) continue
    const weight = scale?.endsWith('_scale') ? scale.slice(0, -'_scale'.length) : codes
    const axis = attrInt(node, 'axis', 1)
    const scales = graph.values.get(scale ?? '')?.data?.shape ?? []
    // Readers take `qweight` for rows of one scale each.
    names.set(codes, scales.length === 1 && axis !== 0 ? `${weight}.codes` : `${weight}.qweight`)
    if (scale) names.set(scale, `${weight}.scale`)
    if (zero) names.set(zero, `${weight}.zero_point`)
    const block = attrInt(node, 'block_size', 0)
    quantization[weight] = { axis, ...(block > 0 ? { block_size: block } : {}) }
  }
  const tensors = [...graph.values.values()].flatMap(({ name, data }) =>
    data ? [{ ...data, name: names.get(name) ?? plainName(name, graph) }] : [],
  )
  return { tensors, quantization }
}

/** Halves go by the name of the floats that they were made of: a tensor says its own type. */
function plainName(name: ValueName, { values }: Graph): ValueName {
  const plain = name.replace(/_float16$/, '')
  return values.get(name)?.dtype === 'float16' && !values.get(plain)?.data ? plain : name
}

const howToRun = `\`\`\`python
# pip install safetensors numpy
import json
from safetensors import safe_open

with safe_open("model.safetensors", framework="np") as f:
    weights = {name: f.get_tensor(name) for name in f.keys()}
    # By weight, the axis along which it has scales: real = (w.qweight - w.zero_point) * w.scale.
    quantization = json.loads(f.metadata().get("quantization", "{}"))
\`\`\``
