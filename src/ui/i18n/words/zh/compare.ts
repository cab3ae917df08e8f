import type { Words } from '../en/index.ts'

export const compare: Words['compare'] = {
  title: '对比',
  two: '并排对比',
  left: '左',
  right: '右',
  swap: '交换',
  figure: '指标',
  sqnrToOriginal: '相对原始模型的 SQNR',
  notPaired: '两个准确率的样本数不同。',
}
