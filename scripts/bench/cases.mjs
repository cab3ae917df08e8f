// What is measured: real networks with the data they were made for, where a checkout has them beside it; else the sample that ships.

// `goals` are upper bounds of calibration time over plain inference; `samples` are those of a round.
export const networks = [
  {
    name: 'ResNet20, 32 × 32',
    root: 'shared',
    model: 'onnx/cifar10_resnet20.onnx',
    data: 'cifar10/calib512.json',
    input: 'cifar10/input.json',
    samples: 256,
    goals: { ranges: 1.3, histograms: 1.6 },
  },
  {
    name: 'MobileNetV2, 224 × 224',
    root: 'shared',
    model: 'onnx/imagenet_mobilenet_v2_1.0_224_deq.onnx',
    data: 'imagenet/calib64',
    input: 'imagenet/input-mobilenet.json',
    samples: 24,
    goals: { ranges: 1.3, histograms: 2.2 },
  },
]

export const shipped = {
  name: 'Digits, 28 × 28 (ships with the studio)',
  root: 'samples',
  model: 'digits/model.onnx',
  data: 'digits/calibration.npz',
  input: 'digits/input.json',
  samples: 128,
  goals: null,
}
