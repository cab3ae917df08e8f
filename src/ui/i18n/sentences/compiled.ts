// What is said of targets whose own tools compile what is written for them (src/exporters/tensorrt.ts, qualcomm.ts).
import type { Pair } from '../translator.ts'

export const compiled: readonly Pair[] = [
  ['{op} ({node}) cannot be written for TensorRT: {why*}', '{op}（{node}）无法写成 TensorRT：{why*}'],
  ['Leave this layer in float.', '请将该层保持为浮点。'],
  ['A calibration cache holds the ranges of a quantised model', '校准缓存保存的是量化模型的范围'],
  [
    'Not run on its own runtime: {label} needs one of its GPUs; the preview is by ONNX Runtime.',
    '未在其自身的运行时上运行：{label} 需要它的 GPU；预览由 ONNX Runtime 给出。',
  ],
  ['it is of the domain {domain}, which its parser does not know', '它属于 {domain} 域，其解析器不认识'],
  ['its bias is of integers', '其偏置为整数'],
  ['its codes are of {dtype}', '其编码为 {dtype}'],
  ['its zero point is not 0', '其零点不为 0'],
  ['Encodings are those of a quantised model', '编码属于量化模型'],
  [
    "Not run on its own runtime: the converter and the runtime are in {vendor}'s SDK; the preview is by ONNX Runtime.",
    '未在其自身的运行时上运行：转换器和运行时在 {vendor} 的 SDK 中；预览由 ONNX Runtime 给出。',
  ],
  ['it is of the domain {domain}, which the converter does not know', '它属于 {domain} 域，转换器不认识'],
]
