// RKNN: .rknn is closed, and Rockchip's toolkit makes it. The bundle is what the toolkit wants: the float model as ONNX, its
// configuration, samples to calibrate on with their list, and the script that builds, with the layers that stay in float16.
// airockchip/rknn-toolkit2: doc/03_Rockchip_RKNPU_API_Reference_RKNN_Toolkit2, config, build, hybrid_quantization_step1 and 2.
import { type OutFile, outFile, utf8 } from '../base/bytes.ts'
import { writeNpy } from '../formats/npy.ts'
import { type Model, requiredInputs } from '../ir/model.ts'
import { keptInFloat, type QuantPlan } from '../ir/quant.ts'
import type { Target } from '../ir/target.ts'
import { encodeOnnx } from './onnx.ts'
import { samplesNote, shapedAs } from './toolkit.ts'
import type { Calibration, Exporter, WriteOptions } from './types.ts'

export const rknn: Exporter = {
  id: 'rknn',
  label: 'RKNN',
  write: async (model, target, options) => {
    const { form, bytes, quantized, calibration } = options
    const float = quantized ? shapedAs(quantized.float, model) : model
    const quantize = form === 'int8'
    const files = encodeOnnx(float, bytes, { path: 'model.onnx' })
    const samples = quantize && calibration ? sampleFiles(float, calibration) : { list: '', files: [] }
    const configuration = configOf(target, quantize, quantized?.plan ?? null, float)
    files.push(outFile('rknn_config.json', utf8(`${JSON.stringify(configuration, null, 2)}\n`)))
    const around: OutFile[] = [
      outFile('build.py', utf8(isOld(target) ? scriptOfToolkit1 : scriptOfToolkit2)),
      ...samples.files,
    ]
    if (quantize) around.push(outFile('dataset.txt', utf8(samples.list)))
    const data = files.find(file => file.path === 'model.onnx.data')
    return {
      files,
      roles: { model: 'model.onnx', ...(data ? { data: data.path } : {}), rknn_config: 'rknn_config.json' },
      notes: notesOf(options, samples.files, quantize),
      around,
      howToRun: howToRun(target),
    }
  },
}

/** RV1109 and RV1126 have the first toolkit, all later chips the second. */
const isOld = (target: Target): boolean => ['rv1109', 'rv1126'].includes(chipOf(target))
const chipOf = ({ id }: Target): string => id.split(':')[1] ?? 'rk3588'

function configOf(
  target: Target,
  quantize: boolean,
  plan: QuantPlan | null,
  { graph }: Model,
): Record<string, unknown> {
  // Layers are known to the toolkit by what they give.
  const outputs = new Map(graph.nodes.map(node => [node.id, node.outputs[0]]))
  const float = (plan?.float ?? []).filter(({ why }) => why === keptInFloat).map(({ node }) => outputs.get(node))
  const hybrid = quantize && float.length > 0 ? { hybrid: { float16: float.filter(Boolean) } } : {}
  const config = isOld(target)
    ? { target_platform: [chipOf(target)], quantized_dtype: 'asymmetric_affine-u8', quantized_algorithm: 'normal' }
    : {
        target_platform: chipOf(target),
        ...(quantize ? { quantized_dtype: 'w8a8', quantized_algorithm: 'normal', quantized_method: 'channel' } : {}),
      }
  return { config, do_quantization: quantize, ...(quantize ? { dataset: 'dataset.txt' } : {}), ...hybrid }
}

/** One .npy an input and sample, as the model takes it, and a line of the list a sample. */
function sampleFiles({ graph }: Model, { samples }: Calibration): { list: string; files: OutFile[] } {
  const inputs = requiredInputs(graph)
  const files: OutFile[] = []
  const lines = samples.map((feeds, i) => {
    const paths = inputs.map((name, k) => {
      const path = `calibration/${String(i).padStart(4, '0')}${inputs.length > 1 ? `-${k}` : ''}.npy`
      files.push(outFile(path, writeNpy(feeds[name])))
      return path
    })
    return paths.join(' ')
  })
  return { list: `${lines.join('\n')}\n`, files }
}

function notesOf({ calibration, quantized }: WriteOptions, files: readonly OutFile[], quantize: boolean): string[] {
  if (!quantize) return []
  const held = samplesNote(files, calibration?.real === true)
  const own = quantized
    ? [
        'Rockchip’s toolkit calibrates by itself: accuracy and agreement here are of our own int8, which is near, not the same.',
      ]
    : []
  return [held, ...own]
}

const howToRun = (target: Target): string => `\`\`\`
pip install "setuptools<80" ${isOld(target) ? 'rknn-toolkit' : 'rknn-toolkit2'}
python build.py            # writes model.rknn for ${chipOf(target)}
\`\`\`

\`build.py\` reads \`rknn_config.json\` and \`dataset.txt\`. The inputs are fed as \`manifest.json\` says, without mean and std in the
configuration: they would be applied a second time. On a PC only the toolkit's simulator runs what was built.`

const scriptOfToolkit2 = `"""Builds model.rknn from model.onnx as rknn_config.json says. Run it in the bundle's folder: python build.py"""
import json
import re
import sys

from rknn.api import RKNN

spec = json.load(open("rknn_config.json"))
rknn = RKNN(verbose="-v" in sys.argv)


def check(code, what):
    if code not in (0, None):
        sys.exit(f"{what} failed with code {code}")


check(rknn.config(**spec["config"]), "config")
check(rknn.load_onnx(model="model.onnx"), "load_onnx")
float_layers = spec.get("hybrid", {}).get("float16", [])
if spec["do_quantization"] and float_layers:
    # The first step lists the tensors under the names that the toolkit gives them; ours are what they begin with.
    check(rknn.hybrid_quantization_step1(dataset=spec["dataset"], proposal=False), "hybrid_quantization_step1")
    path = "model.quantization.cfg"
    text = open(path).read()
    known = re.findall(r"^    ['\\"]?([^\\s'\\"].*?)['\\"]?:\\s*$", text, re.M)
    chosen = [name for name in known if any(name == f or name.startswith(f + "_") for f in float_layers)]
    missing = [f for f in float_layers if not any(name == f or name.startswith(f + "_") for name in chosen)]
    if missing:
        print("not found in", path, "and left in int8:", ", ".join(missing))
    lines = "".join(f"\\n    '{name}': float16" for name in chosen)
    text = re.sub(r"custom_quantize_layers:\\s*\\{\\}", "custom_quantize_layers:" + (lines or " {}"), text)
    open(path, "w").write(text)
    check(
        rknn.hybrid_quantization_step2(
            model_input="model.model", data_input="model.data", model_quantization_cfg=path
        ),
        "hybrid_quantization_step2",
    )
else:
    check(rknn.build(do_quantization=spec["do_quantization"], dataset=spec.get("dataset")), "build")
check(rknn.export_rknn("model.rknn"), "export_rknn")
rknn.release()
print("model.rknn is written")
`

const scriptOfToolkit1 = `"""Builds model.rknn from model.onnx as rknn_config.json says. Run it in the bundle's folder: python build.py"""
import json
import sys

from rknn.api import RKNN

spec = json.load(open("rknn_config.json"))
rknn = RKNN(verbose="-v" in sys.argv)


def check(code, what):
    if code not in (0, None):
        sys.exit("%s failed with code %s" % (what, code))


float_layers = spec.get("hybrid", {}).get("float16", [])
if float_layers:
    print("this toolkit chooses layers by the names in its own .cfg; left to be set by hand:", ", ".join(float_layers))
check(rknn.config(**spec["config"]), "config")
check(rknn.load_onnx(model="model.onnx"), "load_onnx")
check(rknn.build(do_quantization=spec["do_quantization"], dataset=spec.get("dataset")), "build")
check(rknn.export_rknn("model.rknn"), "export_rknn")
rknn.release()
print("model.rknn is written")
`
