// What is run where: a bundle, the runtime that must load it, how that runtime is set, and what the outputs must come to on ResNet20.
// `exact`: this runtime computes as the preview does, so that hardly a code differs. `sqnrDb` and `agreement` (percent) are against the
// float model, `preview` (percent of top-1) against the preview. `samples`: real ones in the bundle, for the target's own compiler.
const int8 = { sqnrDb: 28, agreement: 98.5 }

export const rows = [
  { target: 'onnxruntime', form: null, runtime: 'onnxruntime', least: { sqnrDb: 29, agreement: 99, preview: 99.5 } },
  {
    target: 'onnxruntime',
    form: 'qoperator',
    runtime: 'onnxruntime',
    least: { sqnrDb: 29, agreement: 99, preview: 99.5 },
  },
  { target: 'onnxruntime', form: 'float16', runtime: 'onnxruntime', least: { sqnrDb: 60 } },
  { target: 'tflite', form: null, runtime: 'tflite', options: { kernels: 'ref' }, exact: true, least: int8 },
  { target: 'tflite', form: '16x8', runtime: 'tflite', options: { kernels: 'ref' }, least: { sqnrDb: 33 } },
  { target: 'tflite', form: 'float16', runtime: 'tflite', least: { sqnrDb: 60 } },
  { target: 'tflite', form: 'dynamic', runtime: 'tflite', least: { sqnrDb: 25 } },
  { target: 'tflm', form: null, runtime: 'tflm', exact: true, least: int8 },
  { target: 'ncnn', form: null, runtime: 'ncnn', least: { sqnrDb: 31, agreement: 98.5, preview: 99.5 } },
  { target: 'ncnn', form: 'float16', runtime: 'ncnn', least: { sqnrDb: 60 } },
  { target: 'openvino', form: null, runtime: 'openvino', least: { sqnrDb: 25 } },
  { target: 'openvino', form: 'float16', runtime: 'openvino', least: { sqnrDb: 60 } },
  { target: 'openvino', form: 'int8-weights', runtime: 'openvino', least: { sqnrDb: 35 } },
  { target: 'openvino', form: 'int4-weights', runtime: 'openvino', least: { sqnrDb: 10 } },
  { target: 'c', form: null, runtime: 'c', exact: true, least: int8 },
  { target: 'mnn', form: 'float16', runtime: 'mnn', least: { sqnrDb: 60 } },
  { target: 'mnn', form: 'int8', runtime: 'mnn', least: { sqnrDb: 29, agreement: 98.5, preview: 99.5 } },
  { target: 'mnn', form: 'weights8', runtime: 'mnn', least: { sqnrDb: 35, preview: 99.5 } },
  { target: 'mnn', form: 'weights4', runtime: 'mnn', least: { sqnrDb: 10, preview: 99.5 } },
  { target: 'caffe', form: 'float', runtime: 'caffe', least: { sqnrDb: 90 } },
  { target: 'rknn:rk3588', form: null, samples: 64, runtime: 'rknn', heavy: true, least: { sqnrDb: 26 } },
]
