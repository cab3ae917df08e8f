import type { Words } from '../en/index.ts'

export const notices: Words['notices'] = {
  wanted: '完成后通知我',
  missing: '此浏览器没有通知功能，完成后标签页标题会显示。',
  blocked: '浏览器设置中禁止了通知，完成后标签页标题会显示。',
  done: name => `${name} 已完成`,
  failed: name => `${name} 运行失败`,
  title: { running: '运行中', done: '已完成' },
  screen: '屏幕',
  wake: {
    idle: '运行时保持常亮',
    held: '因运行保持常亮',
    refused: '浏览器未能保持常亮，请自行防止休眠',
    missing: '此浏览器无法保持常亮，请自行防止休眠',
  },
}
