export const en = {
  title: 'What it costs and how good it is',
  x: 'Across',
  y: 'Upwards',
  size: 'Size',
  latency: 'Latency',
  accuracy: 'Accuracy',
  sqnr: 'SQNR',
  front: 'Pareto front: nothing tried is better in both.',
  label: (y: string, x: string, n: number) => `${y} against ${x.toLowerCase()}: ${n} points`,
  empty: 'Nothing has been measured for these two yet.',
  help: 'Tab goes from point to point, Enter shows its result.',
}

export const zh: typeof en = {
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
