import type { Words } from '../en/index.ts'

export const answers: Words['answers'] = {
  title: '哪些回答变了',
  about: '原始模型与该变体会在本浏览器中对每个样本重新作答。',
  start: '逐个检查样本',
  going: (done, total) => `${total} 个样本中的 ${done} 个`,
  none: '该模型的输出不是可比较的回答。',
  same: n => `全部 ${n} 个回答都相同。`,
  changed: (n, total) => `${total} 个回答中有 ${n} 个变了`,
  lost: '原来正确，现在错误',
  won: '原来错误，现在正确',
  other: '对错与之前相同，或没有标签',
  more: n => `其余 ${n} 个`,
  confusion: '混淆矩阵',
  confusionAbout: '行为标签，列为变体的回答；小字为相对原始模型的变化。',
  pairs: '类别过多，无法列表；最常混淆的几对：',
  label: '标签',
  answer: '回答',
  count: '样本数',
  cell: (label, answer, n, change) => `${label} 被认作 ${answer}：${n}（${change}）`,
  before: '原始模型',
  after: '变体',
}
