// What stands in a bundle for the person who runs it: a README and a program in each language of the target's users. Each runs
// the golden input and says whether it got the golden output.
import { type OutFile, outFile, utf8 } from '../base/bytes.ts'
import type { Target } from '../ir/target.ts'
import type { Manifest } from './manifest.ts'

export const sampleCode = (manifest: Manifest): OutFile[] => [
  outFile('sample/run.py', utf8(python)),
  outFile('sample/run.mjs', utf8(javascript)),
  outFile('sample/run.cpp', utf8(cpp(manifest))),
]

/** `run`: how it is run, in Markdown. */
export function bundleReadme(manifest: Manifest, target: Target, name: string, run: string): string {
  const input = manifest.inputs[0]
  const spec = input?.preprocess
  const formula = spec
    ? `Pixels are fed as \`(pixel * ${spec.scale} - mean) / std\`, ${spec.color}, ${spec.layout}, mean [${spec.mean.join(', ')}], std [${spec.std.join(', ')}]${spec.resize ? `, resized to ${spec.resize.size.join(' x ')} (${spec.resize.filter}, as ${spec.resize.like} does it)` : ''}.`
    : 'The input is fed as it is; no image pre-processing is described.'
  const accuracy = manifest.accuracy
    ? `${manifest.accuracy.metric} ${manifest.accuracy.value.toFixed(2)} % on ${manifest.accuracy.samples} samples, measured with ${previews[target.preview]}.`
    : 'No accuracy was measured: no labelled samples were given.'
  return `# ${name} for ${target.label}

\`${Object.values(manifest.files).join('`, `')}\`: weights ${manifest.precision.weights}, activations ${manifest.precision.activations}. ${accuracy}

${formula}

## Run it

${run}

A dump of your device's layers can be held against \`golden/layers.npz\`: \`thimble verify . --dump dump.npz\`.

\`manifest.json\` describes inputs, outputs and pre-processing; \`recipe.json\` makes this bundle again.
`
}

const previews: Readonly<Record<Target['preview'], string>> = {
  runtime: 'onnxruntime-web',
  tflite: "an executor that computes as TensorFlow Lite's reference kernels do",
  tflm: 'an executor that computes as TensorFlow Lite for Microcontrollers does',
}

/** How a bundle of an ONNX file is run. */
export const howToRun = `\`\`\`
pip install onnxruntime numpy && python sample/run.py
npm install onnxruntime-web && node sample/run.mjs
\`\`\`

Both run \`golden/inputs.npz\` and compare with \`golden/outputs.npz\`. The golden input is synthetic. \`sample/run.cpp\` shows the
same in C++; its first lines say how to compile it.`

const python = `"""Runs the bundle's model on the golden input and compares with the golden output."""
import json
import pathlib

import numpy as np
import onnxruntime as ort

here = pathlib.Path(__file__).resolve().parent.parent
manifest = json.loads((here / "manifest.json").read_text())
session = ort.InferenceSession(str(here / manifest["files"]["model"]), providers=["CPUExecutionProvider"])


def preprocess(pixels, tensor):
    """uint8 pixels (H, W, 3) in RGB, already of the model's size, to what the input of the manifest is fed."""
    spec = tensor["preprocess"]
    if spec["color"] == "BGR":
        pixels = pixels[..., ::-1]
    x = (pixels.astype(np.float64) * spec["scale"] - np.array(spec["mean"])) / np.array(spec["std"])
    x = x.astype(tensor["targetDtype"])
    return (x.transpose(2, 0, 1) if spec["layout"] == "NCHW" else x)[None]


inputs = dict(np.load(here / "golden" / "inputs.npz"))
expected = np.load(here / "golden" / "outputs.npz")
names = [o.name for o in session.get_outputs()]
for name, got in zip(names, session.run(names, inputs)):
    want = expected[name].astype(np.float64)
    noise = float(((got - want) ** 2).sum())
    db = 10 * np.log10(float((want**2).sum()) / noise) if noise else float("inf")
    print(f"{name}: shape {got.shape}, {db:.1f} dB against the golden output")
`

const javascript = `// Runs the bundle's model on the golden input and compares with the golden output. npm install onnxruntime-web
import { readFileSync } from 'node:fs'
import * as ort from 'onnxruntime-web'

const read = path => readFileSync(new URL('../' + path, import.meta.url))
const manifest = JSON.parse(read('manifest.json').toString())

/** Arrays of an .npz whose entries are stored, as in this bundle. */
function npz(bytes) {
  const arrays = {}
  const types = { '<f4': [Float32Array, 'float32'], '<i8': [BigInt64Array, 'int64'], '<i4': [Int32Array, 'int32'], '|u1': [Uint8Array, 'uint8'], '|i1': [Int8Array, 'int8'] }
  for (let at = 0; bytes.readUInt32LE(at) === 0x04034b50; ) {
    const size = bytes.readUInt32LE(at + 18)
    const nameLength = bytes.readUInt16LE(at + 26)
    const start = at + 30 + nameLength + bytes.readUInt16LE(at + 28)
    const name = bytes.toString('utf8', at + 30, at + 30 + nameLength).replace(/\\.npy$/, '')
    const headerLength = bytes.readUInt16LE(start + 8)
    const header = bytes.toString('latin1', start + 10, start + 10 + headerLength)
    const [type, dtype] = types[/'descr': '([^']+)'/.exec(header)[1]]
    const dims = [.../'shape': \\(([^)]*)\\)/.exec(header)[1].matchAll(/\\d+/g)].map(m => Number(m[0]))
    const data = bytes.subarray(start + 10 + headerLength, start + size)
    arrays[name] = new ort.Tensor(dtype, new type(new Uint8Array(data).buffer), dims)
    at = start + size
  }
  return arrays
}

const session = await ort.InferenceSession.create(new Uint8Array(read(manifest.files.model)))
const outputs = await session.run(npz(read('golden/inputs.npz')))
const expected = npz(read('golden/outputs.npz'))
for (const name of session.outputNames) {
  let signal = 0
  let noise = 0
  expected[name].data.forEach((want, i) => {
    signal += Number(want) ** 2
    noise += (Number(want) - Number(outputs[name].data[i])) ** 2
  })
  console.log(name + ': shape [' + outputs[name].dims + '], ' + (noise ? (10 * Math.log10(signal / noise)).toFixed(1) : 'infinite') + ' dB against the golden output')
}
`

const cppTypes: Readonly<Record<string, string>> = {
  float32: 'float',
  float64: 'double',
  int64: 'int64_t',
  int32: 'int32_t',
  int8: 'int8_t',
  uint8: 'uint8_t',
  bool: 'bool',
}

function cpp({ files, inputs, outputs }: Manifest): string {
  const zeros = inputs.map(({ targetShape, targetDtype }) => {
    const shape = (targetShape ?? []).map(d => (typeof d === 'number' && d > 0 ? d : 1))
    return `  inputs.push_back(zeros<${cppTypes[targetDtype ?? 'float32'] ?? 'float'}>({${shape.join(', ')}}));`
  })
  const names = (list: Manifest['outputs']): string => list.map(t => JSON.stringify(t.targetName)).join(', ')
  return `// Runs the model on inputs of zeros and prints the first numbers of its first output.
// c++ -std=c++17 run.cpp -I$ORT/include -L$ORT/lib -lonnxruntime -o run && ./run ../${files.model}
#include <onnxruntime_cxx_api.h>

#include <algorithm>
#include <cstdio>
#include <vector>

template <typename T>
Ort::Value zeros(const std::vector<int64_t> &shape) {
  Ort::AllocatorWithDefaultOptions allocator;
  Ort::Value value = Ort::Value::CreateTensor<T>(allocator, shape.data(), shape.size());
  // Put the pre-processed sample here instead; README.md says how it is made.
  std::fill_n(value.GetTensorMutableData<T>(), value.GetTensorTypeAndShapeInfo().GetElementCount(), T{});
  return value;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: run MODEL\\n");
    return 2;
  }
  Ort::Env env(ORT_LOGGING_LEVEL_WARNING, "thimble");
  Ort::Session session(env, argv[1], Ort::SessionOptions{});
  std::vector<Ort::Value> inputs;
${zeros.join('\n')}
  const char *input_names[] = {${names(inputs)}};
  const char *output_names[] = {${names(outputs)}};
  auto results = session.Run(Ort::RunOptions{nullptr}, input_names, inputs.data(), inputs.size(), output_names, ${outputs.length});
  const auto *values = results[0].GetTensorData<${cppTypes[outputs[0]?.targetDtype ?? 'float32'] ?? 'float'}>();
  const size_t count = results[0].GetTensorTypeAndShapeInfo().GetElementCount();
  for (size_t i = 0; i < count && i < 10; i++) std::printf("%zu %g\\n", i, static_cast<double>(values[i]));
  return 0;
}
`
}
