import type { Words } from '../en/index.ts'

export const saving: Words['export'] = {
  title: '导出',
  none: '还没有导出包。运行配方后在此保存。',
  save: '保存导出包',
  saving: '正在打包',
  saved: name => `已保存 ${name}。`,
  file: '文件',
  hash: 'SHA-256',
  copy: '复制哈希',
  copied: '已复制',
  tried: '已在其运行时上验证',
  untried: '未在其运行时上验证',
  recipe: '保存配方',
  report: '保存报告',
  page: '保存可打印的报告（HTML）',
  total: '合计',
  also: '不含模型',
}
