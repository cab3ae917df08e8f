// Ranges of calibration: the forms of the runtimes' tools, ranges that are given, and the files that they come from.
import type { Pair } from '../translator.ts'

export const ranges: readonly Pair[] = [
  ['Computed as by', '计算方式'],
  ['Ranges by {method} have no form of {asked}', '{method} 范围没有 {asked} 的计算方式'],
  [
    'Leave the form to auto, or choose another range than {method}.',
    '请将计算方式保留为 auto，或选择 {method} 以外的范围方法。',
  ],

  ['The range given for {value} goes from {min} to {max}', '为 {value} 给出的范围是从 {min} 到 {max}'],
  ['Give two numbers, the smaller one as min.', '请给出两个数，较小的作为 min。'],
  ['A range is given for {value}, which the model does not have', '为 {value} 给出了范围，但模型中没有这个值'],
  ['Did you mean {near}?', '是否要写 {near}？'],
  [
    'thimble inspect MODEL --json lists the names of its values.',
    '用 thimble inspect MODEL --json 可以列出模型中各个值的名称。',
  ],

  ['{file} has a range for {name}, which the model does not have', '{file} 中有 {name} 的范围，但模型中没有这个名称'],
  ['{file} is no valid JSON: {words}', '{file} 不是有效的 JSON：{words}'],
  ['Mend the file; a comma or a quote is often the cause.', '请修正该文件；原因往往是逗号或引号。'],

  [
    '{file} holds no AIMET encodings of version 0.6.1 or 1.0.0: {why*}',
    '{file} 不是 0.6.1 或 1.0.0 版的 AIMET encodings：{why*}',
  ],
  ['it has no {section}', '缺少 {section}'],
  ['{name} has no name', '{name} 没有名称'],
  ['{name} has no encoding', '{name} 没有编码'],
  ['{name} has no bit width', '{name} 没有位宽'],
  [
    '{name} has not a scale above zero and an offset for each channel',
    '{name} 的各通道没有大于零的 scale 和对应的 offset',
  ],
  ['Export the encodings again in version 1.0.0.', '请以 1.0.0 版重新导出 encodings。'],

  [
    '{file} is no ncnn table: line {line#} is not a name and scales above zero',
    '{file} 不是 ncnn 校准表：第 {line#} 行不是名称加大于零的 scale',
  ],
  ['Write the table again with ncnn2table, or mend the line.', '请用 ncnn2table 重新生成校准表，或修正该行。'],

  ['{file} is no file of ranges: {why*}', '{file} 不是范围文件：{why*}'],
  ['it is not { "thimble": 1, "ranges": { ... } }', '其内容不是 { "thimble": 1, "ranges": { ... } }'],
  ['{name} has no min and a max that is at least as large', '{name} 没有 min 以及不小于它的 max'],
  ['Give every value two numbers: { "min": -1, "max": 1 }.', '请为每个值给出两个数：{ "min": -1, "max": 1 }。'],

  ['{file} is no TensorRT calibration cache: {why*}', '{file} 不是 TensorRT 校准缓存：{why*}'],
  ['its first line is not TRT-<version>-<method>', '首行不是 TRT-<version>-<method>'],
  ['line {line#} is not `name: hexadecimal`', '第 {line#} 行不是 `name: hexadecimal`'],
  ['line {line#} gives {name} the scale {scale}', '第 {line#} 行给 {name} 的 scale 是 {scale}'],
  ['Write the cache again with TensorRT, or mend the line.', '请用 TensorRT 重新生成缓存，或修正该行。'],
]
