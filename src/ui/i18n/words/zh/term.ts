import type { Words } from '../en/index.ts'

export const term: Words['term'] = {
  sqnr: '信号与量化噪声之比：误差比信号低多少。每 +6 dB，误差减半。',
  sqnrLocal: '只量化这一层，输入为浮点激活值。',
  sqnrSoFar: '量化模型与浮点模型相比，到此为止的全部误差。',
  agreement: '两个模型对相同样本给出相同回答的程度：类别、文本、检测框或像素。',
  macs: '处理一个样本所需的乘加运算次数。',
  interval: '换用其他样本重复 100 次，约 95 次真实值落在此范围内。',
  peak: '同一时刻存活的全部激活值所占的最大内存。',
  calibration: '用样本运行浮点模型，得到每个激活值的范围。',
}
