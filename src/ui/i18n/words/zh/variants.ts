import type { Words } from '../en/index.ts'

export const variants: Words['variants'] = {
  variant: '变体',
  list: '变体',
  about: '每次运行的结果都以其配方命名保存在这里，直到你删除。',
  none: '还没有变体。运行配方即可得到第一个。',
  stale: '先前的设置',
  staleAbout: '该变体生成之后，配方、数据或预处理已被修改。',
  original: '原始模型',
  show: '查看结果',
  use: '使用其配方',
  used: '正在使用其配方',
  deleted: name => `已删除 ${name}。`,
  undo: '撤销',
  made: '生成时间',
  csv: '保存为 CSV',
}
