// What is said of networks written as C (src/exporters/c).
import type { Pair } from '../translator.ts'

export const c: readonly Pair[] = [
  ['Key that weights in C are scrambled by', '用于打乱 C 中权重的密钥'],
  [
    'Weights are scrambled: compile with -DMODEL_KEY=0x{key}ULL. They are restored into {bytes#} more bytes of RAM at the first run. recipe.json holds the key, too.',
    '权重已打乱：请用 -DMODEL_KEY=0x{key}ULL 编译。首次运行时它们会还原到另外 {bytes#} 字节的 RAM 中。recipe.json 中也有该密钥。',
  ],
  ['The target {target} has no way to scramble weights', '目标 {target} 无法打乱权重'],
  ['Leave "scramble" out, or export for c.', '请去掉 "scramble"，或导出到 c。'],
  ['C99 source', 'C99 源代码'],
  [
    'Flash: {constants#} bytes of constants, and the code. RAM: {arena#} bytes to compute in; the network needs {bound#} at once.',
    '闪存：常量 {constants#} 字节，另加代码。内存：计算需要 {arena#} 字节；网络同一时刻至少需要 {bound#} 字节。',
  ],
  ['its {which#} have several types', '其 {which#} 有多种类型'],
  ['it computes in {dtype#}, and there are kernels of int8 alone', '它以 {dtype#} 计算，而这里只有 int8 的内核'],
  ['its integers have no scale, or several', '其整数没有缩放系数，或有多个'],
  ['there is no kernel of integers for {kind#}', '没有 {kind#} 的整数内核'],
  ['its indices are computed at run time', '其索引在运行时才计算'],
  [
    'tflite-micro: tensorflow/lite/kernels/internal/reference/integer_ops',
    'tflite-micro：tensorflow/lite/kernels/internal/reference/integer_ops',
  ],
]
