export const en = {
  title: 'Compare',
  two: 'Side by side',
  left: 'Left',
  right: 'Right',
  swap: 'Swap',
  figure: 'Figure',
  sqnrToOriginal: 'SQNR against the original',
  notPaired: 'The two accuracies were measured on different numbers of samples.',
}

export const zh: typeof en = {
  title: '对比',
  two: '并排对比',
  left: '左',
  right: '右',
  swap: '交换',
  figure: '指标',
  sqnrToOriginal: '相对原始模型的 SQNR',
  notPaired: '两个准确率的样本数不同。',
}
