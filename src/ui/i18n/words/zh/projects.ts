import type { Words } from '../en/index.ts'

export const projects: Words['projects'] = {
  used: (used, quota) => `已用浏览器存储 ${used} / ${quota}`,
  save: '另存为文件',
  saveAsk: name => `将 ${name} 保存为一个文件：模型、数据和设置。`,
  saveAbout: '把该文件拖到此页面（本机或其他电脑），即可继续该项目。',
  withResults: n => `包含结果（${n} 个）`,
  saveAction: '保存…',
  saving: '正在保存',
  deleted: name => `已删除 ${name}。`,
  undo: '撤销',
  dismiss: '关闭',
  switch: '切换项目',
  all: '所有项目',
  running: '运行中',
  runsElsewhere: name => `${name} 正在运行。一次只进行一个运行，浏览其他项目时它会继续。`,
  goThere: '前往',
  finished: name => `${name} 已完成。`,
  failed: name => `${name} 的运行失败。`,
}
