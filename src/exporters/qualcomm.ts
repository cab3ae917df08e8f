// Qualcomm's SNPE and QNN: the float model, and beside it the encodings that its converter takes in place of ranges of its own, as AIMET
// writes them. A script calls the converter, which is part of Qualcomm's SDK and compiles for one chip.
//
// https://docs.qualcomm.com/doc/80-63442-10/topic/applyencodings.html (QAIRT Quantization Specification)
import { outFile, utf8 } from '../base/bytes.ts'
import { StudioError } from '../base/errors.ts'
import { attrInt, type Graph, type Model, type Node, requiredInputs, type ValueName } from '../ir/model.ts'
import { isInt } from '../ir/number-format.ts'
import type { QuantParams, QuantPlan } from '../ir/quant.ts'
import { encodeOnnx } from './onnx.ts'
import { aimetEncodings } from './ranges.ts'
import { shapedAs } from './toolkit.ts'
import type { Exporter, Problem } from './types.ts'

const source = 'docs.qualcomm.com: QAIRT tools, qairt-converter'

export const qualcomm: Exporter = {
  id: 'qualcomm',
  label: 'Qualcomm (ONNX with encodings)',
  check: ({ graph }) =>
    graph.nodes
      .filter(node => node.domain !== '' && node.domain !== 'ai.onnx')
      .map(
        (node): Problem => ({
          node: node.id,
          op: node.op,
          why: `it is of the domain ${node.domain}, which the converter does not know`,
          level: 'unknown',
          source,
        }),
      ),
  write: async (model, target, { form, bytes, quantized }) => {
    const plan = form === 'float' ? null : quantized?.plan
    if (plan === undefined)
      throw new StudioError('bad-recipe', 'Encodings are those of a quantised model', {
        where: { step: 'export' },
        hint: 'Put { "do": "quantize" } before the export.',
      })
    const files = encodeOnnx(plan ? shapedAs(quantized!.float, model) : model, bytes)
    const [main, data] = files
    const roles = { model: main.path, ...(data ? { data: data.path } : {}) }
    const note = `Not run on its own runtime: the converter and the runtime are in ${target.vendor}'s SDK; the preview is by ONNX Runtime.`
    const around = [outFile('convert.sh', utf8(script(model, plan)))]
    if (!plan) return { files, roles, notes: [note], around, howToRun }
    const encodings = outFile('model.encodings', utf8(aimetEncodings(stated(plan, quantized!.float), plan.weights)))
    return {
      files: [...files, encodings],
      roles: { ...roles, encodings: encodings.path },
      notes: [note],
      around,
      howToRun,
    }
  },
}

// What these give has the encoding of what they read, which the tools know without being told, and refuse to be (aimet-onnx 2.42,
// common/onnx/_utils.py, _is_grid_preserving_op).
const movers: ReadonlySet<string> = new Set(
  (
    'Col2Im Compress DepthToSpace Dropout Expand Flatten Gather GatherElements GatherND Identity MaxPool MaxRoiPool NonZero Pad ' +
    'ReduceMax ReduceMin Reshape Slice SpaceToDepth Split SplitToSequence Squeeze Tile TopK Transpose Unsqueeze'
  ).split(' '),
)

/**
 * The activations whose encodings are to be said. Constants that are padded with or clipped at are on the grid of what they bound. A
 * depthwise convolution does not count as one with the function behind it, so that its output has that function's grid as well; a product
 * and the bias added to it do count as one.
 */
function stated({ activations }: QuantPlan, { graph }: Model): ReadonlyMap<ValueName, QuantParams> {
  const known = new Set<ValueName | null>([...graph.inputs, ...graph.nodes.flatMap(node => node.outputs)])
  const makers = new Map(graph.nodes.flatMap(node => node.outputs.map(name => [name, node] as const)))
  const isConstant = (name: ValueName | null | undefined): boolean => !!name && graph.values.get(name)?.data != null
  const all = new Map([...activations].filter(([name]) => known.has(name) && !movers.has(makers.get(name)?.op ?? '')))
  const say = (name: ValueName | null | undefined, params: QuantParams | undefined): void => {
    if (name && params && !all.has(name)) all.set(name, params)
  }
  for (const { op, inputs, outputs } of graph.nodes) {
    const made = activations.get(outputs[0]!)
    if (op === 'Pad' && isConstant(inputs[2])) say(inputs[2], activations.get(inputs[0]!))
    if (op === 'Clip') for (const bound of inputs.slice(1)) if (isConstant(bound)) say(bound, made)
    const before = makers.get(inputs[0] ?? null)
    if ((op === 'Relu' || op === 'Clip') && before && isDepthwise(before, graph)) say(inputs[0], made)
    if (op === 'Add' && inputs.some(isConstant))
      for (const name of inputs) if (isConstant(name) || makers.get(name)?.op === 'MatMul') all.delete(name!)
  }
  return all
}

const isDepthwise = (node: Node, { values }: Graph): boolean =>
  node.op === 'Conv' &&
  attrInt(node, 'group', 1) > 1 &&
  attrInt(node, 'group', 1) === values.get(node.inputs[1]!)?.shape?.[0]

/** Bits of what the encodings leave open: the widest that they have. */
function widest(plan: QuantPlan, which: 'activations' | 'weights'): number {
  const bits = [...plan[which].values()].map(({ spec }) => (isInt(spec.format) ? spec.format.bits : 8))
  return Math.max(8, ...bits)
}

const howToRun = `\`\`\`
source $QAIRT_SDK_ROOT/bin/envsetup.sh && sh convert.sh
\`\`\`

It makes \`model.dlc\`, in the integers that \`model.encodings\` says where there is one, for SNPE and QNN. What the encodings leave open,
the converter's tool \`qairt-quantizer\` fills with ranges of samples of yours: \`sh convert.sh list.txt\`, with the path of one raw
input a line.`

const script = (model: Model, plan: QuantPlan | null): string => `#!/bin/sh
# Makes model.dlc with Qualcomm's AI Runtime SDK (qairt-converter, qairt-quantizer on the PATH).
#
#   sh convert.sh [list.txt]
set -e
[ -z "$1" ] || list="$(cd "$(dirname "$1")" && pwd)/$(basename "$1")"
cd "$(dirname "$0")"
qairt-converter --input_network model.onnx --output_path ${plan ? 'float.dlc' : 'model.dlc'}${plan ? ' --quantization_overrides model.encodings' : ''} \\
  ${requiredInputs(model.graph)
    .map(name => `--source_model_input_shape '${name}' ${(model.graph.values.get(name)?.shape ?? []).join(',')}`)
    .join(' ')}
${plan ? quantizer(plan) : ''}`

const quantizer = (plan: QuantPlan): string => `if [ -n "$list" ]; then
  samples="--input_list $list"
else
  # Layers without encodings stay in floats.
  samples="--float_fallback"
fi
qairt-quantizer --input_dlc float.dlc --output_dlc model.dlc --act_bitwidth ${widest(plan, 'activations')} --weights_bitwidth ${widest(plan, 'weights')} --bias_bitwidth 32 $samples
`
