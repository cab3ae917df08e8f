// What is said of files of weights, and of what goes to Rockchip's toolkit and to TVM (src/formats, src/importers, src/exporters, src/targets).
import type { Pair } from '../translator.ts'

export const weights: readonly Pair[] = [
  ['safetensors', 'safetensors'],
  ['Hugging Face', 'Hugging Face'],
  ['{file} is no sound safetensors file: {what*}', '{file} 不是完好的 safetensors 文件：{what*}'],
  [
    'Copy or download the file again, or save it again with safetensors.',
    '请重新复制或下载该文件，或用 safetensors 重新保存。',
  ],
  ['it is too short', '文件太短'],
  ['its header would have {size#} bytes', '文件头将有 {size#} 字节'],
  ['it ends inside its header', '文件在文件头内结束'],
  ['its header is no JSON object', '文件头不是 JSON 对象'],
  ['{name} has elements of the unknown type {type}', '{name} 的元素类型 {type} 未知'],
  ['{name} has no shape or no place', '{name} 没有形状或位置'],
  [
    '{name} has {bytes#} bytes, which is not what [{shape}] of {type} takes',
    '{name} 有 {bytes#} 字节，与 {type} 类型的 [{shape}] 所需不符',
  ],
  ['it ends at byte {size#}, inside of {name}', '文件在第 {size#} 字节处结束，正处于 {name} 之中'],
  ['The tensor {name} of {type} cannot be written to safetensors', '{type} 类型的张量 {name} 无法写入 safetensors'],
  ['The weights {name} are in several of the files {files}', '权重 {name} 同时在 {files} 的多个文件中'],
  ['Open one file of weights, or the parts of one.', '请打开一个权重文件，或同一文件的各个部分。'],
  ['{count#} weights came from {files}{more*}.', '{count#} 个权重来自 {files}{more*}。'],
  [
    "; {count#} that are not there are the model's own, {name} the first of them",
    '；其中没有的 {count#} 个沿用模型自己的，第一个是 {name}',
  ],
  ['{count#} counters of {files} were left out.', '{files} 中的 {count#} 个计数器被略去。'],
  ['{file} has weights {name}, and the model has none of that name', '{file} 中有权重 {name}，而模型中没有同名的权重'],
  [
    'The nearest is {near}: save the weights under the names that the graph has.',
    '最接近的是 {near}：请以图中的名称保存权重。',
  ],
  [
    'Save the weights under the names that the graph has; inspect lists them.',
    '请以图中的名称保存权重；inspect 会列出它们。',
  ],
  [
    '{file} has {name} in the shape [{shape}], and the model has [{own}]',
    '{file} 中 {name} 的形状为 [{shape}]，而模型中为 [{own}]',
  ],
  [
    'The exporter transposed this matrix: transpose it before it is saved, or export the graph again.',
    '导出工具转置了这个矩阵：请在保存前转置，或重新导出图。',
  ],
  [
    'These weights are of another model; take the file that belongs to this graph.',
    '这些权重属于另一个模型；请使用属于此图的文件。',
  ],
  ['{file} has {name} as {type}, and the model has it as {own}', '{file} 中 {name} 为 {type}，而模型中为 {own}'],
  ['Save it as {type}.', '请保存为 {type}。'],
  ['{file} holds weights without a graph', '{file} 中只有权重，没有图'],
  [
    'Open it together with the model whose weights they are, as an ONNX file.',
    '请与权重所属的模型（ONNX 文件）一起打开。',
  ],
  [
    'The graph is not in it: the weights go by the names that they have in the ONNX model.',
    '其中没有图：权重使用它们在 ONNX 模型中的名称。',
  ],
  [
    '{count#} tensors of {types} are left out, for which the format has no type.',
    '{types} 类型的 {count#} 个张量被略去，该格式没有相应的类型。',
  ],
  ['{file} is no sound GGUF file: {what*}', '{file} 不是完好的 GGUF 文件：{what*}'],
  ['Copy or download the file again.', '请重新复制或下载该文件。'],
  ['it ends too early', '文件提前结束'],
  ['it does not begin with GGUF', '文件不以 GGUF 开头'],
  ['it is not of version 3', '文件不是第 3 版'],
  ['a value has the unknown type {type#}', '某个值的类型 {type#} 未知'],
  ['{name} has {count#} axes', '{name} 有 {count#} 个轴'],
  ['{name} is of an unknown type', '{name} 的类型未知'],
  ['it ends inside of {name}', '文件在 {name} 之中结束'],
  [
    'The graph is not in it; accuracy and agreement here are of the float model.',
    '其中没有图；这里的准确率和一致性是浮点模型的。',
  ],
  [
    '{count#} of {all#} tensors are halves: their rows are no whole blocks of 32 elements.',
    '{all#} 个张量中有 {count#} 个为半精度：它们的行不是 32 个元素的整数块。',
  ],
  [
    'Names such as {name} are longer than the {most#} bytes that ggml reads.',
    '像 {name} 这样的名称超过了 ggml 能读取的 {most#} 字节。',
  ],
  ['RKNN', 'RKNN'],
  ['RKNN (RK3588)', 'RKNN（RK3588）'],
  ['RKNN ({name})', 'RKNN（{name}）'],
  [
    'airockchip/rknn-toolkit2: doc/05_RKNN_Compiler_Support_Operator_List, int8 of the NPU',
    'airockchip/rknn-toolkit2：doc/05_RKNN_Compiler_Support_Operator_List，NPU 的 int8',
  ],
  [
    'The files {first} to {last} hold real samples: give the bundle to those only who may see them.',
    '文件 {first} 到 {last} 含有真实样本：只把此包交给可以看到它们的人。',
  ],
  [
    'calibration/ holds made-up samples: put real ones in their place before building, or ask for some with "samples" of the export step.',
    'calibration/ 中是合成样本：构建前请换成真实样本，或用导出步骤的 "samples" 索取。',
  ],
  [
    'Rockchip’s toolkit calibrates by itself: accuracy and agreement here are of our own int8, which is near, not the same.',
    'Rockchip 的工具自行校准：这里的准确率和一致性是我们自己的 int8 的，接近但不相同。',
  ],
  ['Real calibration samples in the bundle', '包中的真实校准样本数'],
  [
    'The export for {target} asks for {count#} samples, and there are none',
    '{target} 的导出需要 {count#} 个样本，但没有样本',
  ],
  [
    'Give them with --data, or leave "samples" out: then the bundle has synthetic ones.',
    '请用 --data 提供，或省略 "samples"：那样包中为合成样本。',
  ],
  ['TVM', 'TVM'],
]
