// Sentences that the engine puts together out of several pieces, where the pieces one by one would not be found.
import type { Pair } from '../translator.ts'

export const composed: readonly Pair[] = [
  ['{layout#}, colours in the order {color#} (assumed)', '{layout#}，颜色顺序为 {color#}（推测）'],
  ['{path} is of no known model format', '{path} 不是已知的模型格式'],
  ['{path} is empty', '{path} 是空文件'],
  ['{path} looks like {kind*}', '{path} 看起来是{kind*}'],
  ['{path} is no ONNX model: it looks like {kind*}', '{path} 不是 ONNX 模型，看起来是{kind*}'],
  ['{path} is no ONNX model: it is empty', '{path} 不是 ONNX 模型，是空文件'],
  ['w: {weights*}, a: {activations*}', '权重 {weights*}；激活 {activations*}'],
  ['w: {weights*}', '权重 {weights*}'],
  ['a: {activations*}', '激活 {activations*}'],
  ['{said*}, and none of the {count#} other files is a model', '{said*}，其他 {count#} 个文件中也没有模型'],
  [
    'The model keeps {shown} and {count#} more tensors in the file {location}, which is not here{others*}',
    '模型的 {shown} 以及另外 {count#} 个张量存放在文件 {location} 中，但该文件不在这里{others*}',
  ],
  [
    'its input has {x} channels, its weight {w} in {groups#} groups takes {group}',
    '其输入有 {x} 个通道，权重 {w}（{groups#} 组）接受 {group} 个',
  ],
  ['{value} was seen to come near or beyond 65504, where float16 ends', '实测 {value} 接近或超过 float16 的上限 65504'],
  ['{value} may come near or beyond 65504, where float16 ends', '{value} 可能接近或超过 float16 的上限 65504'],
  ['{target} does not run weights of {format}', '{target} 不支持 {format} 的权重'],
  ['{target} does not run activations of {format}', '{target} 不支持 {format} 的激活'],
  ['There is no optimized graph yet', '还没有优化后的计算图'],
  ['There is no quantized graph yet', '还没有量化后的计算图'],
  [
    'Step {index} of the recipe is {do}, which there is not; did you mean "{near}"?',
    '配方的第 {index} 步是 {do}，没有这个步骤；是否要写 "{near}"？',
  ],
  ['The recipe is wrong: {faults*}', '配方有误：{faults*}'],
  ['Step {index} of the recipe ({step}) is wrong: {faults*}', '配方的第 {index} 步（{step}）有误：{faults*}'],
  ['{place#}: there is no "{key}"; {hint*}', '{place#}：没有 "{key}"；{hint*}'],
  ['{place#}: "{key}" is missing', '{place#}：缺少 "{key}"'],
  ['There is no preset {id}; did you mean {near}?', '没有预设 {id}；是否要写 {near}？'],
  ['There is no target {id}; did you mean {near}?', '没有目标 {id}；是否要写 {near}？'],
  ['did you mean "{near}"? Choose one of: {choices}', '是否要写 "{near}"？请选择其中之一：{choices}'],
  ['choose one of: {choices}', '请选择其中之一：{choices}'],
  ['{place#}: {given} cannot stand here, a whole number is wanted', '{place#}：此处不能是 {given}，应为整数'],
  ['{place#}: {given} cannot stand here; {hint*}', '{place#}：此处不能是 {given}；{hint*}'],
  ['{place#}: {given} cannot stand here, {wanted} is wanted', '{place#}：此处不能是 {given}，应为 {wanted}'],
  [
    '{samples} samples are too few to tell a loss of one point from none ({range*}; about {needed#} samples would tell one point).',
    '{samples} 个样本太少，无法判断有没有下降一个百分点（{range*}；大约 {needed#} 个样本可以分辨一个百分点）。',
  ],
]
