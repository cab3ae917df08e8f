// The models whose compression is measured, and the data each is calibrated and judged on. Paths lie under ../shared/data; nothing of
// what a model is judged on is calibrated on, and no setting was chosen by it.
const cifar = { data: 'cifar10/calib512.json', eval: 'cifar10/test846.json' }
const imagenet = { data: 'imagenet/calib64', eval: 'imagenet/eval136' }
const pixels = inputs => ({ inputs: { '*': inputs } })
const bilinear = size => ({ fit: 'exact', size, filter: 'bilinear' })

/**
 * `input` is a file there, a spec, or null where the data are fed as they are or what is proposed fits. `part` takes files [from, to) of a
 * folder, with their labels or without. `python`: scripts/verify-python.py can feed it. `normalised`: pixels are scaled on their
 * way in, which `rawInput` folds into the first layer. `samples`: calibration samples, where not the first 128; `only`: the settings and
 * repairs that such a model is measured with again; `learning`: how learned rounding is bounded, where the default takes
 * up to an hour a row (on ResNet20 at W4A8 50 steps give 22.2 dB, 100 give 22.6, and the default 500 give 23.3).
 */
export const models = [
  {
    id: 'resnet20',
    title: 'ResNet20, CIFAR-10',
    file: 'onnx/cifar10_resnet20.onnx',
    ...cifar,
    input: 'cifar10/input.json',
    python: true,
    normalised: true,
  },
  {
    id: 'resnet20-512',
    title: 'ResNet20, CIFAR-10, with 512 calibration images',
    file: 'onnx/cifar10_resnet20.onnx',
    ...cifar,
    input: 'cifar10/input.json',
    python: true,
    normalised: true,
    samples: 512,
    only: {
      settings: ['w8a8', 'w8a16', 'w4a8', 'w4a4', 'w2a4', 'w2a4-ternary', 'w2a8'],
      repairs: ['refit', 'equalize+refit'],
    },
    note: 'What a fit to four times the images gives.',
  },
  {
    id: 'resnet8',
    title: 'ResNet8, CIFAR-10 (MLPerf Tiny)',
    file: 'onnx/mlperf_resnet8.onnx',
    ...cifar,
    input: 'cifar10/input-raw-nhwc.json',
    python: true,
    normalised: false,
  },
  {
    id: 'kws',
    title: 'DS-CNN, 12 keywords (MLPerf Tiny)',
    file: 'onnx/mlperf_kws.onnx',
    data: 'kws/calib200.npz',
    eval: 'kws/test800.npz',
    input: null,
    python: true,
    normalised: false,
  },
  {
    id: 'mobilenet_v2',
    title: 'MobileNetV2, ImageNet',
    file: 'onnx/imagenet_mobilenet_v2_1.0_224_deq.onnx',
    ...imagenet,
    input: 'imagenet/input-mobilenet.json',
    python: true,
    normalised: true,
    learning: { iterations: 50, learningBatch: 8 },
    note: 'De-quantised from an 8-bit model: its weights lie on an 8-bit grid already, so that rounding them to 8 bits looks cheaper than it is. Its 136 pictures are one to a class and probably of the training split.',
  },
  {
    id: 'mobilenet_v1',
    title: 'MobileNetV1 0.25, 128 × 128, ImageNet',
    file: 'onnx/imagenet_mobilenet_v1_0.25_128_deq.onnx',
    ...imagenet,
    input: {
      ...pixels({
        layout: 'NHWC',
        color: 'RGB',
        resize: bilinear([128, 128]),
        scale: 2 / 255,
        mean: [1, 1, 1],
        std: [1, 1, 1],
      }),
      labelOffset: 1,
    },
    python: false, // it does not resize pictures
    normalised: true,
    learning: { iterations: 100 },
    note: 'De-quantised from an 8-bit model, as MobileNetV2.',
  },
  {
    id: 'vww',
    title: 'MobileNetV1 0.25, person or not (MLPerf Tiny)',
    file: 'onnx/mlperf_vww96.onnx',
    data: { folder: 'imagenet/calib64' },
    eval: { folder: 'imagenet/eval136' },
    input: null,
    python: false,
    normalised: false,
    learning: { iterations: 100 },
    note: 'No labelled pictures are at hand: agreement with the float model on pictures of ImageNet.',
  },
  {
    id: 'ultraface',
    title: 'RFB-320, faces',
    file: 'onnx/ultraface_rfb320.onnx',
    data: { folder: 'imagenet/calib64' },
    eval: { folder: 'imagenet/eval136' },
    input: pixels({
      layout: 'NCHW',
      color: 'RGB',
      resize: bilinear([240, 320]),
      scale: 1,
      mean: [127, 127, 127],
      std: [128, 128, 128],
    }),
    python: false,
    normalised: true,
    learning: { iterations: 50, learningBatch: 8 },
    note: 'No labelled boxes are at hand: agreement with the float model on pictures of ImageNet, few of which show faces.',
  },
  {
    id: 'ppocr',
    title: 'PP-OCRv4 recogniser, lines of text',
    file: 'onnx/ppocrv4_rec.onnx',
    data: { folder: 'ocr_lines', part: [0, 32], labels: true },
    eval: { folder: 'ocr_lines', part: [32, 100], labels: true },
    input: null,
    python: false,
    normalised: false,
    learning: { iterations: 50, learningBatch: 8 },
    note: 'Its metric is lines read without a mistake, spaces aside: calibrated on the first 32 of the 100 drawn lines, judged on the other 68.',
  },
]
