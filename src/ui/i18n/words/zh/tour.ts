import type { Words } from '../en/index.ts'

export const tour: Words['tour'] = {
  title: '入门',
  of: (k, n) => `第 ${k} / ${n} 步`,
  next: '下一步',
  skip: '跳过',
  done: '知道了',
  again: '重新显示入门步骤',
  steps: {
    start: '将模型拖入方框，或运行一个示例：只需一次点击，即可看到全部功能。',
    stays: '不会发送任何内容。顶部的计数可以证明，点开可查看本机能力。',
    commands: '按 Ctrl K 可用键盘查找所有操作。',
    places: '这些是位置而不是关卡：各有默认设置，可随时前往。按数字键 1 到 7 即可到达。',
    run: '有了配方和一些样本，按 R 即可运行。随时停止，已完成的部分均会保留。',
  },
}
