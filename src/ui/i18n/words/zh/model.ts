import type { Words } from '../en/index.ts'

export const model: Words['model'] = {
  title: '模型',
  format: '格式',
  nodes: '节点',
  opset: '算子集版本',
  inputs: '输入',
  outputs: '输出',
  valueName: '名称',
  dtype: '类型',
  shape: '形状',
  free: '自由维度（如 N）可以固定：直接填数字。',
  dimension: (name, k) => `${name} 的第 ${k + 1} 维`,
  notes: '说明',
  metadata: '元数据',
  graph: '计算图',
  which: '计算图版本',
  original: '原始',
  optimized: '优化后',
  quantized: '量化后',
}
