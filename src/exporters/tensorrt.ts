// TensorRT: ONNX with pairs of QuantizeLinear and DequantizeLinear, which its builder takes as what is to be computed in int8; or a float
// model and the calibration cache of an implicit build. A script beside them builds the engine, which is of one GPU and one version.
//
// https://docs.nvidia.com/deeplearning/tensorrt/latest/inference-library/work-quantized-types.html
import { outFile, utf8 } from '../base/bytes.ts'
import { StudioError } from '../base/errors.ts'
import type { Graph } from '../ir/model.ts'
import { isInt } from '../ir/number-format.ts'
import type { QuantPlan, Range } from '../ir/quant.ts'
import { contentOf } from '../ops/content.ts'
import { encodeOnnx } from './onnx.ts'
import { tensorrtCache } from './ranges.ts'
import type { Exporter, Problem, Written } from './types.ts'

const source = 'docs.nvidia.com/deeplearning/tensorrt: Working with Quantized Types, ONNX Support'

// What the first line of a cache names; the script writes that of the TensorRT that it finds.
const cacheVersion = '8601'

export const tensorrt: Exporter = {
  id: 'tensorrt',
  label: 'TensorRT (ONNX)',
  check: ({ graph }, _target, form) => problemsOf(graph, form),
  write: async (model, target, { form, bytes, quantized }) => {
    const [problem] = problemsOf(model.graph, form)
    if (problem)
      throw new StudioError(
        'unsupported',
        `${problem.op} (${problem.node}) cannot be written for TensorRT: ${problem.why}`,
        {
          where: { node: problem.node ?? undefined },
          hint: problem.fix ?? 'Leave this layer in float.',
        },
      )
    const calibrated = form === 'calibration'
    if (calibrated && !quantized)
      throw new StudioError('bad-recipe', 'A calibration cache holds the ranges of a quantised model', {
        where: { step: 'export' },
        hint: 'Put { "do": "quantize" } before the export.',
      })
    const files = encodeOnnx(calibrated ? quantized!.float : model, bytes)
    const [main, data] = files
    const written: Written = {
      files,
      roles: { model: main.path, ...(data ? { data: data.path } : {}) },
      notes: [`Not run on its own runtime: ${target.label} needs one of its GPUs; the preview is by ONNX Runtime.`],
      around: [outFile('build.py', utf8(script))],
      howToRun,
    }
    if (!calibrated) return written
    const cache = outFile('calibration.cache', utf8(tensorrtCache(rangesOf(quantized!.plan), cacheVersion)))
    return { ...written, files: [...files, cache], roles: { ...written.roles, calibration: cache.path } }
  },
}

const problemsOf = (graph: Graph, form: string): Problem[] => [
  ...foreign(graph),
  ...(form === 'calibration' ? [] : unsymmetric(graph)),
]

/** Operators of other domains are plugins to TensorRT, whose code is not in the file. */
const foreign = ({ nodes }: Graph): Problem[] =>
  nodes
    .filter(node => node.domain !== '' && node.domain !== 'ai.onnx')
    .map(node => ({
      node: node.id,
      op: node.op,
      why: `it is of the domain ${node.domain}, which its parser does not know`,
      level: 'refused',
      source,
    }))

/** Codes are signed and 0 stands for 0. */
function unsymmetric({ nodes, values }: Graph): Problem[] {
  const problems: Problem[] = []
  for (const node of nodes) {
    if (node.op !== 'QuantizeLinear' && node.op !== 'DequantizeLinear') continue
    const zero = values.get(node.inputs[2] ?? '')?.data
    const dtype = zero?.dtype ?? values.get(node.inputs[0]!)?.dtype ?? 'uint8'
    const why =
      dtype === 'int32'
        ? 'its bias is of integers'
        : !/^int[48]$/.test(dtype) && !dtype.startsWith('float8')
          ? `its codes are of ${dtype}`
          : zero && contentOf(zero)?.some(z => z !== 0)
            ? 'its zero point is not 0'
            : null
    const fix = 'Quantise the float model for this target.'
    if (why) problems.push({ node: node.id, op: node.op, why, level: 'refused', fix, source })
  }
  return problems
}

/** A scale stands for the largest magnitude over 127. */
function rangesOf({ activations }: QuantPlan): ReadonlyMap<string, Range> {
  const ranges = new Map<string, Range>()
  for (const [name, { spec, scale }] of activations) {
    if (!isInt(spec.format) || scale.length !== 1) continue
    const largest = scale[0] * 127
    ranges.set(name, { min: -largest, max: largest })
  }
  return ranges
}

const howToRun = `\`\`\`
pip install tensorrt numpy && python build.py
\`\`\`

It builds \`model.engine\` for the GPU at hand. An open batch gets a profile of 1 to 8; \`--batch N\` sets another. The same by
\`trtexec --onnx=model.onnx --int8 --saveEngine=model.engine\`, with \`--calib=calibration.cache\` where there is one.`

const script = `"""Builds a TensorRT engine of the model for the GPU at hand. pip install tensorrt

    python build.py [--batch 8] [--out model.engine]
"""
import argparse
import json
import pathlib

import tensorrt as trt

arguments = argparse.ArgumentParser()
arguments.add_argument("--batch", type=int, default=8, help="the largest batch, where it is open")
arguments.add_argument("--out", default="model.engine")
asked = arguments.parse_args()

here = pathlib.Path(__file__).resolve().parent
files = json.loads((here / "manifest.json").read_text())["files"]
log = trt.Logger(trt.Logger.WARNING)
builder = trt.Builder(log)
cache = here / files["calibration"] if "calibration" in files else None
flags = trt.NetworkDefinitionCreationFlag
# The pairs in the model say what is computed in int8; ranges from a cache leave that to the builder.
strict = 0 if cache or not hasattr(flags, "STRONGLY_TYPED") else 1 << int(flags.STRONGLY_TYPED)
network = builder.create_network(strict)
parser = trt.OnnxParser(network, log)
if not parser.parse_from_file(str(here / files["model"])):
    raise SystemExit("\\n".join(str(parser.get_error(i)) for i in range(parser.num_errors)))

config = builder.create_builder_config()
profile = builder.create_optimization_profile()
for i in range(network.num_inputs):
    tensor = network.get_input(i)
    if -1 not in tuple(tensor.shape):
        continue
    least = [1 if n == -1 else n for n in tensor.shape]
    most = [asked.batch, *least[1:]] if tensor.shape[0] == -1 else least
    profile.set_shape(tensor.name, least, most, most)
config.add_optimization_profile(profile)

if cache:

    class Calibrator(trt.IInt8EntropyCalibrator2):
        """Gives the ranges that are in the cache, and no samples."""

        def get_batch_size(self):
            return 1

        def get_batch(self, names):
            return None

        def read_calibration_cache(self):
            _, *ranges = cache.read_text().splitlines()
            major, minor, patch = (int(part) for part in trt.__version__.split(".")[:3])
            version = major * 10000 + minor * 100 + patch if major >= 10 else major * 1000 + minor * 100 + patch
            return "\\n".join([f"TRT-{version}-EntropyCalibration2", *ranges, ""]).encode()

        def write_calibration_cache(self, written):
            pass

    config.set_flag(trt.BuilderFlag.INT8)
    config.int8_calibrator = Calibrator()
elif not strict:
    config.set_flag(trt.BuilderFlag.INT8)

engine = builder.build_serialized_network(network, config)
if engine is None:
    raise SystemExit("TensorRT built no engine; its messages are above.")
(here / asked.out).write_bytes(engine)
print(f"{asked.out}: {engine.nbytes} bytes")
`
