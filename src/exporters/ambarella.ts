// Ambarella CVflow: CNNGen is closed. The bundle is what its tools take: the float model as ONNX, raw samples of each input with their list
// (DRA data, from which the tools choose the format of every tensor), how many bits each layer is best given, and the commands.
//
// The commands are as published scripts have them; nothing here has been through the tools:
// ModelTC/msbench: docs/source/user_guide/deploy/cvflow.rst.
import { type OutFile, outFile, utf8 } from '../base/bytes.ts'
import { bytesOf, type DType } from '../base/dtype.ts'
import { type Graph, type Model, requiredInputs, type ValueName } from '../ir/model.ts'
import { bitsOfNumber } from '../ir/number-format.ts'
import type { QuantPlan } from '../ir/quant.ts'
import { encodeOnnx } from './onnx.ts'
import { samplesNote, shapedAs } from './toolkit.ts'
import type { Calibration, Exporter, Problem } from './types.ts'

const source = 'github.com/ModelTC/msbench/blob/main/docs/source/user_guide/deploy/cvflow.rst'

export const ambarella: Exporter = {
  id: 'ambarella',
  label: 'Ambarella (ONNX for CNNGen)',
  check: ({ graph }) =>
    [...new Map(graph.nodes.map(node => [node.op, node])).values()].map(
      (node): Problem => ({
        node: node.id,
        op: node.op,
        why: 'the operators of CNNGen are not published',
        level: 'unknown',
        source,
      }),
    ),
  write: async (model, target, { form, bytes, quantized, calibration }) => {
    const float = quantized ? shapedAs(quantized.float, model) : model
    const files = encodeOnnx(float, bytes, { path: 'model.onnx' })
    const data = files.find(file => file.path === 'model.onnx.data')
    const feeding = inputsOf(float.graph, calibration ?? null)
    const samples = calibration ? sampleFiles(feeding, calibration) : []
    const bits = quantized ? layerBits(float, quantized.plan) : []
    return {
      files,
      roles: { model: 'model.onnx', ...(data ? { data: data.path } : {}) },
      notes: [
        `Not run on its own runtime: the tools for ${target.label} are closed, and are had from Ambarella; the preview is of our own integers, which is near, not the same.`,
        ...(calibration ? [samplesNote(samples, calibration.real)] : []),
      ],
      around: [
        outFile('compile.sh', utf8(script(float.graph, feeding, form))),
        outFile(
          'layer_bits.csv',
          utf8(`layer,output,operator,bits\n${bits.map(row => `${row.join(',')}\n`).join('')}`),
        ),
        ...samples,
        ...(calibration ? feeding.map(input => outFile(input.list, utf8(listOf(input, calibration)))) : []),
      ],
      howToRun: howToRun(form),
    }
  },
}

interface Fed {
  name: ValueName
  dtype: DType
  shape: readonly number[]
  folder: string
  list: string
}

/** Raw data lie as the model is fed them, in a folder for each input. */
const inputsOf = (graph: Graph, calibration: Calibration | null): Fed[] =>
  requiredInputs(graph).map((name, k) => {
    const { dtype: own, shape } = graph.values.get(name)!
    const dtype = calibration?.samples[0]?.[name]?.dtype ?? own
    const folder = `calibration/input${k}`
    return { name, dtype: dtype ?? 'float32', shape: (shape ?? []) as number[], folder, list: `${folder}.txt` }
  })

const pathOf = ({ folder }: Fed, i: number): string => `${folder}/${String(i).padStart(4, '0')}.bin`

const sampleFiles = (inputs: readonly Fed[], { samples }: Calibration): OutFile[] =>
  inputs.flatMap(input => samples.map((feeds, i) => outFile(pathOf(input, i), bytesOf(feeds[input.name].data))))

const listOf = (input: Fed, { samples }: Calibration): string => samples.map((_, i) => `${pathOf(input, i)}\n`).join('')

/** Sign, size, exponent offset and exponent bits of raw data: 32-bit floats have seven bits more than one for their exponent. */
const dataFormats: Partial<Record<DType, string>> = {
  float32: '1,2,0,7',
  float16: '1,1,0,4',
  uint8: '0,0,0,0',
  int8: '1,0,0,0',
  int16: '1,1,0,0',
}

/** Layers and the bits that this model was given here: 8, or 16 where the recipe asks for more or leaves a layer in float. */
function layerBits({ graph }: Model, plan: QuantPlan): [string, string, string, number][] {
  return graph.nodes.flatMap(node => {
    const [output] = node.outputs
    if (output == null) return []
    const specs = [...node.inputs, output].flatMap(name => {
      const params = name === null ? null : (plan.weights.get(name) ?? plan.activations.get(name))
      return params ? [bitsOfNumber(params.spec.format)] : []
    })
    const wide = !plan.quantized.has(node.id) || specs.some(bits => bits > 8)
    const quoted = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
    return [[quoted(node.id), quoted(output), node.op, wide ? 16 : 8] as [string, string, string, number]]
  })
}

const forced: Readonly<Record<string, string>> = {
  fx8: ' \\\n  -c act-force-fx8,coeff-force-fx8',
  fx16: ' \\\n  -c act-force-fx16,coeff-force-fx16',
}

/** Within single quotes. */
const shell = (text: string): string => text.replaceAll("'", "'\\''")

function script(graph: Graph, inputs: readonly Fed[], form: string): string {
  const sources = inputs.map(
    ({ name, dtype, shape, list }) =>
      `  -isrc 'is:${shape.join(',')}|iq|idf:${dataFormats[dtype] ?? dataFormats.float32}|i:${shell(name)}=${list}' \\\n`,
  )
  const outputs = graph.outputs.map(name => `  -odst 'o:${shell(name)}|odf:fp32'`)
  return `#!/bin/sh
# Makes model.bin of model.onnx with Ambarella's CNNGen tools (onnxparser.py, vas, cavalry_gen on the PATH), run in the bundle's folder.
# Raw samples lie in calibration/ as the model is fed them: no mean and scale are given here, they would be applied a second time.
set -e
cd "$(dirname "$0")"
rm -rf out
onnxparser.py -m model.onnx -o model -of out \\
${sources.join('')}${outputs.join(' \\\n')}${forced[form] ?? ''}
(cd out && vas -auto -show-progress model.vas)
cavalry_gen -d out/vas_output -f model.bin -v
`
}

const howToRun = (form: string): string => `**Not run on its own runtime.** With Ambarella's tools on the PATH:

\`\`\`
sh compile.sh              # writes model.bin for the chip that the tools are set up for
\`\`\`
${
  form === 'mixed'
    ? '\nThe tools choose 8 or 16 bits for each tensor by the raw samples in `calibration/`.'
    : `\nEvery tensor is given ${form === 'fx8' ? 8 : 16} bits; their formats come of the raw samples in \`calibration/\`.`
} \`layer_bits.csv\` says how many each layer had here, for
the settings of single layers that the tools have. The lists \`calibration/input*.txt\` name a file of raw numbers for each sample, in the
layout of the model. On the board \`model.bin\` is loaded by the NNCtrl library of the SDK.`
