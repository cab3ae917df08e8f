import type { Words } from '../en/index.ts'

export const chart: Words['chart'] = {
  title: '代价与质量',
  x: '横轴',
  y: '纵轴',
  size: '大小',
  latency: '延迟',
  accuracy: '准确率',
  sqnr: '输出 SQNR',
  front: '帕累托前沿：已试的变体中没有两项都更好的。',
  label: (y, x, n) => `${y}随${x}的变化：${n} 个点`,
  empty: '这两项还没有测量值。',
  help: '按 Tab 在各点间移动，按 Enter 查看其结果。',
}
