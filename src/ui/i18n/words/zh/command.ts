import type { Words } from '../en/index.ts'

export const command: Words['command'] = {
  placeholder: '输入命令或层名',
  none: '没有匹配的命令',
  goTo: place => `转到${place}`,
  home: '所有项目',
  run: '运行配方',
  stop: '停止运行',
  undo: '撤销配方的上一次修改',
  redo: '重做配方的修改',
  theme: theme => `主题：${theme}`,
  language: language => `语言：${language}`,
  search: '在图中查找层',
  saveRecipe: '保存配方',
  saveReport: '保存报告',
  preset: name => `使用预设 ${name}`,
  palette: '命令',
}
