// What is said of bundles for Ambarella's tools (src/exporters/ambarella.ts, src/targets/ambarella.ts).
import type { Pair } from '../translator.ts'

export const ambarella: readonly Pair[] = [
  ['Ambarella (ONNX for CNNGen)', 'Ambarella（供 CNNGen 使用的 ONNX）'],
  ['Ambarella CVflow', 'Ambarella CVflow'],
  ['Ambarella CV22', 'Ambarella CV22'],
  ['Ambarella CV25', 'Ambarella CV25'],
  ['CNNGen 2', 'CNNGen 2'],
  ['the operators of CNNGen are not published', 'CNNGen 支持的算子没有公开'],
  [
    'Not run on its own runtime: the tools for {target} are closed, and are had from Ambarella; the preview is of our own integers, which is near, not the same.',
    '未在其自身的运行时上运行过：{target} 的工具是封闭的，需向 Ambarella 获取；预览是我们自己的整数计算，接近但不相同。',
  ],
]
