// What stands in a bundle for the person who runs it: a README and a program in each language of the target's users. Each runs
// the golden input and says whether it got the golden output.
import { type OutFile, outFile, utf8 } from '../base/bytes.ts'
import {
  cppArguments,
  cppIncludes,
  cppMeasuring,
  filling,
  pictureInput,
  preparation,
} from '../exporters/sample/native.ts'
import { pythonProgram, pythonSaid } from '../exporters/sample/python.ts'
import { containerOf } from '../ir/number-format.ts'
import type { Target } from '../ir/target.ts'
import type { Variant } from '../recipe/state.ts'
import type { Manifest } from './manifest.ts'

export function sampleCode(manifest: Manifest, variant: Variant): OutFile[] {
  const exact = sumsExactly(variant)
  return [
    outFile('sample/run.py', utf8(python(exact))),
    outFile('sample/run.mjs', utf8(javascript)),
    outFile('sample/run.cpp', utf8(cpp(manifest, exact))),
  ]
}

/** `run`: how it is run, in Markdown. `integers`: whether the target computes any of it in few bits. */
export function bundleReadme(manifest: Manifest, target: Target, name: string, run: string, integers: boolean): string {
  const input = manifest.inputs[0]
  const spec = input?.preprocess
  const formula = spec
    ? `Pixels are fed as \`(pixel * ${spec.scale} - mean) / std\`, ${spec.color}, ${spec.layout}, mean [${spec.mean.join(', ')}], std [${spec.std.join(', ')}]${spec.resize ? `, resized to ${spec.resize.size.join(' x ')} (${spec.resize.filter}, as ${spec.resize.like} does it)` : ''}.`
    : 'The input is fed as it is; no image pre-processing is described.'
  const accuracy = manifest.accuracy
    ? `${manifest.accuracy.metric} ${manifest.accuracy.value.toFixed(2)} % on ${manifest.accuracy.samples} samples, measured with ${previews[target.preview]}.`
    : 'No accuracy was measured: no labelled samples were given.'
  const caution = integers && target.caution ? `\n${target.caution}\n` : ''
  return `# ${name} for ${target.label}

\`${Object.values(manifest.files).join('`, `')}\`: weights ${manifest.precision.weights}, activations ${manifest.precision.activations}. ${accuracy}

${formula}

## Run it

${run}
${caution}
A dump of your device's layers can be held against \`golden/layers.npz\`: \`thimble verify . --dump dump.npz\`.

\`manifest.json\` describes inputs, outputs and pre-processing; \`recipe.json\` makes this bundle again.
`
}

const previews: Readonly<Record<Target['preview'], string>> = {
  runtime: 'onnxruntime-web',
  ncnn: "onnxruntime-web on a graph that takes the steps of ncnn's int8 kernels",
  tflite: "an executor that computes as TensorFlow Lite's reference kernels do",
  tflm: 'an executor that computes as TensorFlow Lite for Microcontrollers does',
}

/**
 * Whether x86 processors without VNNI are to sum bytes exactly. Version 1.32 fails with that option on operator-oriented forms, and
 * where any rounded activation is not of 8 bits.
 */
const sumsExactly = ({ form, plan }: Variant): boolean =>
  form === 'qdq' &&
  plan !== null &&
  [...plan.activations.values()].every(({ spec }) => ['int8', 'uint8'].includes(containerOf(spec.format)))

const whyExact = 'Without it, x86 processors that have no VNNI sum products of bytes in 16 bits, which overflow.'

/** How a bundle of an ONNX file is run. */
export const howToRun = `\`\`\`
pip install onnxruntime numpy && python sample/run.py
npm install onnxruntime-web && node sample/run.mjs
\`\`\`

${pythonSaid} \`sample/run.mjs\` and
\`sample/run.cpp\` do the same for pictures that are of the model's size; their first lines say how they are run.`

const python = (exact: boolean): string =>
  pythonProgram({
    packages: 'onnxruntime',
    imports: 'import onnxruntime as ort',
    body: `
def load():
    """A session; several threads may share one."""
    options = ort.SessionOptions()
${exact ? `    # ${whyExact}\n    options.add_session_config_entry("session.x64quantprecision", "1")\n` : ''}    return ort.InferenceSession(str(here / manifest["files"]["model"]), options, providers=["CPUExecutionProvider"])


def infer(session, feeds):
    inputs = {t["targetName"]: feeds[t["name"]].astype(t["targetDtype"]) for t in manifest["inputs"]}
    results = session.run([t["targetName"] for t in manifest["outputs"]], inputs)
    return {t["name"]: result for t, result in zip(manifest["outputs"], results)}

`,
  })

const javascript = `// Runs the bundle's model: node sample/run.mjs [PICTURE.ppm] [RUNS] [THREADS], after npm install onnxruntime-web
// Without a picture it runs the golden input and compares with the golden output. Then it prints what a run takes, and what several
// threads with a session each make together.
import { readFileSync } from 'node:fs'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
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

/** A binary .ppm or .pgm file of the model's size as the input is fed: (pixel * scale - mean) / std. */
function prepared(path, tensor) {
  const bytes = readFileSync(path)
  const head = /^P([56])\\s+(\\d+)\\s+(\\d+)\\s+255\\s/.exec(bytes.toString('latin1', 0, 64))
  if (!head) throw new Error(path + ' is no .ppm or .pgm file')
  const [channels, width, height] = [head[1] === '6' ? 3 : 1, Number(head[2]), Number(head[3])]
  const { scale, mean, std, color, layout } = tensor.preprocess
  const wanted = tensor.targetShape.slice(layout === 'NCHW' ? 2 : 1).slice(0, 2)
  if (wanted[0] !== height || wanted[1] !== width) throw new Error('the model takes ' + wanted.join(' x ') + ' pixels')
  const data = new (tensor.targetDtype === 'uint8' ? Uint8Array : Float32Array)(bytes.length - head[0].length)
  const plane = width * height
  for (let i = 0; i < plane; i++)
    for (let c = 0; c < channels; c++) {
      const pixel = bytes[head[0].length + i * channels + (color === 'BGR' ? 2 - c : c)]
      data[layout === 'NCHW' ? c * plane + i : i * channels + c] = (pixel * scale - mean[c]) / std[c]
    }
  const shape = layout === 'NCHW' ? [1, channels, height, width] : [1, height, width, channels]
  return new ort.Tensor(tensor.targetDtype, data, shape)
}

const load = () => ort.InferenceSession.create(new Uint8Array(read(manifest.files.model)))

function compare(outputs) {
  const expected = npz(read('golden/outputs.npz'))
  for (const [name, { data, dims }] of Object.entries(outputs)) {
    let signal = 0
    let noise = 0
    expected[name].data.forEach((want, i) => {
      signal += Number(want) ** 2
      noise += (Number(want) - Number(data[i])) ** 2
    })
    console.log(name + ': shape [' + dims + '], ' + (noise ? (10 * Math.log10(signal / noise)).toFixed(1) : 'infinite') + ' dB against the golden output')
  }
}

/** The largest values of each output and where they are: for a classifier its best classes. */
function tell(outputs) {
  for (const [name, { data }] of Object.entries(outputs)) {
    const best = Array.from(data, (value, i) => [Number(value), i]).sort((a, b) => b[0] - a[0]).slice(0, 5)
    console.log(name + ': ' + best.map(([value, i]) => '[' + i + '] ' + value.toPrecision(4)).join(', '))
  }
}

const words = isMainThread ? process.argv.slice(2) : workerData
const picture = words.find(word => !/^\\d+$/.test(word))
const [runs = 10, threads = 2] = words.filter(word => /^\\d+$/.test(word)).map(Number)
const feeds = picture
  ? Object.fromEntries(manifest.inputs.map(tensor => [tensor.targetName, prepared(picture, tensor)]))
  : npz(read('golden/inputs.npz'))
const session = await load()

if (isMainThread) {
  const outputs = await session.run(feeds)
  if (picture) tell(outputs)
  else compare(outputs)
  const times = []
  for (let i = -3; i < runs; i++) {
    const start = performance.now()
    await session.run(feeds)
    if (i >= 0) times.push(performance.now() - start)
  }
  times.sort((a, b) => a - b)
  if (runs > 0)
    console.log('one run: median ' + times[runs >> 1].toFixed(2) + ' ms, 90th percentile ' + times[Math.floor(0.9 * (runs - 1))].toFixed(2) + ' ms')
  const workers = Array.from({ length: runs > 0 && threads > 1 ? threads : 0 }, () => new Worker(new URL(import.meta.url), { workerData: words }))
  const said = event => Promise.all(workers.map(worker => new Promise((resolve, reject) => worker.once(event, resolve).once('error', reject))))
  await said('message')
  const start = performance.now()
  for (const worker of workers) worker.postMessage('go')
  await said('message')
  const seconds = (performance.now() - start) / 1000
  if (workers.length > 0) console.log(threads + ' threads: ' + ((threads * runs) / seconds).toFixed(1) + ' runs a second')
} else {
  parentPort.once('message', async () => {
    for (let i = 0; i < runs; i++) await session.run(feeds)
    parentPort.postMessage('done')
  })
  parentPort.postMessage('ready')
}
await (isMainThread ? session.release() : undefined)
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

function cpp({ files, inputs, outputs }: Manifest, exact: boolean): string {
  const typeOf = (dtype: string | null): string => cppTypes[dtype ?? 'float32'] ?? 'float'
  const shaped = inputs.map(tensor => {
    const shape = (tensor.targetShape ?? []).map(d => (typeof d === 'number' && d > 0 ? d : 1))
    return { ...tensor, shape, picture: pictureInput(tensor.preprocess, shape) }
  })
  const pictured = shaped.find(({ picture }) => picture !== null)
  const made = shaped.map(({ targetDtype, shape, name, picture }, k) => {
    const type = typeOf(targetDtype)
    const zeros = `  inputs.push_back(zeros<${type}>({${shape.join(', ')}}));`
    if (!picture || name !== pictured?.name) return zeros
    return `${zeros}
  auto *data = inputs[${k}].GetTensorMutableData<${type}>();
  fill(pixels.data(), [data](int at, float value) { data[at] = static_cast<${type}>(value); });`
  })
  const names = (list: readonly { targetName: string }[]): string =>
    list.map(t => JSON.stringify(t.targetName)).join(', ')
  return `// Runs the model on a picture, or zeros where it takes none, prints the first numbers of each output, and measures it.
// c++ -std=c++17 -O2 run.cpp -I$ORT/include -L$ORT/lib -lonnxruntime -pthread -o run
// ./run ../${files.model} [PICTURE.ppm] [RUNS] [THREADS]
${cppIncludes}

#include <onnxruntime_cxx_api.h>

${cppMeasuring}
${pictured?.picture ? `${preparation(pictured.picture)}${filling(pictured.picture.spec.layout)}` : ''}
template <typename T>
Ort::Value zeros(const std::vector<int64_t> &shape) {
  Ort::AllocatorWithDefaultOptions allocator;
  Ort::Value value = Ort::Value::CreateTensor<T>(allocator, shape.data(), shape.size());
  std::fill_n(value.GetTensorMutableData<T>(), value.GetTensorTypeAndShapeInfo().GetElementCount(), T{});
  return value;
}

std::vector<Ort::Value> filled(const std::vector<unsigned char> &pixels) {
  std::vector<Ort::Value> inputs;
  (void)pixels;
${made.join('\n')}
  return inputs;
}

const char *const input_names[] = {${names(inputs)}};
const char *const output_names[] = {${names(outputs)}};

std::vector<Ort::Value> infer(Ort::Session &session, const std::vector<Ort::Value> &inputs) {
  return session.Run(Ort::RunOptions{nullptr}, input_names, inputs.data(), inputs.size(), output_names, ${outputs.length});
}

int main(int argc, char **argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: run MODEL [PICTURE.ppm] [RUNS] [THREADS]\\n");
    return 2;
  }
${cppArguments(pictured !== undefined)}

  Ort::Env env(ORT_LOGGING_LEVEL_WARNING, "thimble");
  Ort::SessionOptions options;
${exact ? `  // ${whyExact}\n  options.AddConfigEntry("session.x64quantprecision", "1");\n` : ''}  Ort::Session session(env, argv[1], options);
  const std::vector<Ort::Value> inputs = filled(pixels);
  const std::vector<Ort::Value> results = infer(session, inputs);
${outputs
  .map(
    (t, k) => `  {
    const auto *values = results[${k}].GetTensorData<${typeOf(t.targetDtype)}>();
    const size_t count = results[${k}].GetTensorTypeAndShapeInfo().GetElementCount();
    std::printf("%s:", output_names[${k}]);
    for (size_t i = 0; i < count && i < 10; i++) std::printf(" %g", static_cast<double>(values[i]));
    std::printf("\\n");
  }`,
  )
  .join('\n')}
  measure([&] { infer(session, inputs); }, runs);
  // Threads share the session; each has inputs of its own.
  std::vector<Run> each;
  for (int i = 0; i < threads; i++) {
    auto own = std::make_shared<std::vector<Ort::Value>>(filled(pixels));
    each.push_back([own, &session] { infer(session, *own); });
  }
  together(each, runs);
  // Values, session and environment are released as they go out of scope.
  return 0;
}
`
}
