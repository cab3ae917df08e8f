// What is run where: a bundle, the runtime that must load it, how that runtime is set, and what the outputs must come to on ResNet20.
// `exact`: this runtime computes as the preview does, so that hardly a code differs. `sqnrDb` and `agreement` (percent) are against the
// float model, `preview` (percent of top-1) against the preview. `quantize`: options of that step, where a form has none of its own.
// `samples`: real ones in the bundle, for the target's own compiler. `slow`: only with --all.
import { barOn } from '../cpu.mjs'

const int8 = { sqnrDb: 28, agreement: 98.5 }
const ours = { ...int8, preview: 99.5 }
const ort = { sqnrDb: 29, agreement: 99, preview: 99.5 }
const half = { sqnrDb: 60 }
const onnxruntime = { target: 'onnxruntime', runtime: 'onnxruntime' }
const tflite = { target: 'tflite', runtime: 'tflite' }
const tflm = { target: 'tflm', runtime: 'tflm' }
const ncnn = { target: 'ncnn', runtime: 'ncnn' }
const openvino = { target: 'openvino', runtime: 'openvino' }
const mnn = { target: 'mnn', runtime: 'mnn' }
const safetensors = { target: 'safetensors', runtime: 'weights', options: { format: 'safetensors' } }
const gguf = { target: 'gguf', runtime: 'weights', options: { format: 'gguf' } }
const floatInside = { activations: 'float32' }

export const rows = [
  { ...onnxruntime, form: null, options: { exact: 1 }, least: ort },
  { ...onnxruntime, form: 'qoperator', least: barOn('onnxruntime qoperator', ort, { sqnrDb: 12 }) },
  { ...onnxruntime, form: 'qdq', quantize: { activations: 'uint16' }, least: { sqnrDb: 33 } },
  {
    ...onnxruntime,
    form: 'dynamic',
    quantize: floatInside,
    least: { sqnrDb: barOn('onnxruntime dynamic, dB,', 25, 12) },
  },
  {
    ...onnxruntime,
    form: 'nbits',
    quantize: { ...floatInside, weights: 'int4', granularity: 'block:32' },
    least: { sqnrDb: 10 },
  },
  { ...onnxruntime, form: 'float16', least: half },
  { ...tflite, form: null, kernels: 'ref', exact: true, least: int8 },
  { ...tflite, form: '16x8', kernels: 'ref', least: { sqnrDb: 33 } },
  { ...tflite, form: 'float16', least: half },
  { ...tflite, form: 'dynamic', least: { sqnrDb: 25 } },
  { ...tflm, form: null, exact: true, least: int8 },
  { ...tflm, form: '16x8', least: { sqnrDb: 33 } },
  { ...ncnn, form: null, least: ours },
  { ...ncnn, form: 'float16', least: half },
  { ...openvino, form: null, least: { sqnrDb: 25 } },
  { ...openvino, form: 'int8-vnni', least: { sqnrDb: barOn('openvino int8-vnni, dB,', 25, 12) } },
  { ...openvino, form: 'float16', least: half },
  { ...openvino, form: 'int8-weights', least: { sqnrDb: 35 } },
  { ...openvino, form: 'int4-weights', least: { sqnrDb: 10 } },
  { target: 'c', form: null, runtime: 'c', exact: true, least: int8 },
  { ...mnn, form: 'int8', least: { sqnrDb: 29, agreement: 98.5, preview: 99.5 } },
  { ...mnn, form: 'weights8', least: { sqnrDb: 35, preview: 99.5 } },
  { ...mnn, form: 'weights4', least: { sqnrDb: 10, preview: 99.5 } },
  { ...mnn, form: 'float16', least: half },
  { target: 'caffe', form: 'float', runtime: 'caffe', least: { sqnrDb: 90 } },
  { ...safetensors, form: 'int8', least: { sqnrDb: 30 } },
  { ...safetensors, form: 'float16', least: half },
  { ...gguf, form: 'q8_0', least: { sqnrDb: 30 } },
  { ...gguf, form: 'q4_0', least: { sqnrDb: 15 } },
  { target: 'tvm', form: 'float', runtime: 'tvm', slow: true, least: { sqnrDb: 90 } },
  { target: 'rknn:rk3588', form: null, samples: 64, runtime: 'rknn', slow: true, least: { sqnrDb: 26 } },
]

export const nameOf = ({ target, form, quantize }) =>
  [target, form, quantize?.activations === 'uint16' ? 'w8a16' : null].filter(part => part !== null).join(' ')

/** The folder of a row's bundle, as the studio names it. */
export const folderOf = ({ target, form }) => `${target}${form ? `-${form}` : ''}`.replaceAll(':', '-')
