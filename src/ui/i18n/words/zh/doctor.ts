import type { Words } from '../en/index.ts'

export const doctor: Words['doctor'] = {
  title: '精度为何下降？',
  about: '先让每一层单独以低位宽运行，再在整个模型上逐一尝试可能有效的办法；使用 32 个样本。',
  look: '查找原因',
  again: '重新查找',
  looking: '正在查找误差来源',
  stop: '停止',
  needsRun: '请先运行当前配方，然后才能查找。',
  needsSamples: '需要样本：请在“数据”中添加。',
  found: (db, loss, samples) => `输出 SQNR ${db}；在 ${samples} 个样本中，${loss} 的答案与原模型不同。`,
  even: '没有突出的层：噪声均匀地来自所有层。',
  share: share => `噪声的 ${share}`,
  rounding: { weights: '权重', input: '输入', output: '输出' },
  channel: {
    'weights-in': (channel, times) =>
      `权重的输入通道 ${channel} 的幅度是通道中位数的 ${times} 倍：共用一个缩放，其余通道只剩很少的码值。`,
    'weights-out': (channel, times) =>
      `权重的输出通道 ${channel} 的幅度是通道中位数的 ${times} 倍：共用一个缩放，其余通道只剩很少的码值。`,
    input: (channel, times) =>
      `输入的通道 ${channel} 的幅度是通道中位数的 ${times} 倍：共用一个缩放，其余通道只剩很少的码值。`,
    output: (channel, times) =>
      `输出的通道 ${channel} 的幅度是通道中位数的 ${times} 倍：共用一个缩放，其余通道只剩很少的码值。`,
  },
  clipped: (of, reaches, cutAt) => `${of}达到 ${reaches}，却在 ${cutAt} 处被截断。`,
  shared: (of, times) => `${of}与一个幅度为其 ${times} 倍的值共用缩放。`,
  tail: (of, times) => `${of}中少数值达到标准差的 ${times} 倍。`,
  fewBits: (of, bits) => `${of}没有异常：${bits} 位对它来说太少。`,
  worst: '最能说明问题的样本',
  remedies: '有效的办法',
  remedy: '办法',
  for: '用于',
  whole: '整个模型',
  gain: '收益',
  answers: '答案不同',
  price: '代价',
  use: '采用并运行',
  kind: {
    float: () => '保持浮点',
    activations: to => `激活 ${to}`,
    weights: to => `权重 ${to}`,
    granularity: () => '逐通道缩放',
    range: to => `范围：${to}`,
    repairs: to => `修复：${to}`,
  },
  untried: n => `另有 ${n} 种因时间不足未尝试。`,
}
