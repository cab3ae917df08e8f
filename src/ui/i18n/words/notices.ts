export const en = {
  wanted: 'Notify me when it is done',
  missing: 'This browser has no notifications; the tab’s title says when it is done.',
  blocked: 'Notifications are blocked in the browser’s settings; the tab’s title says when it is done.',
  done: (name: string) => `${name} is done`,
  failed: (name: string) => `The run of ${name} failed`,
  title: { running: 'Running', done: 'Done' },
  screen: 'Screen',
  wake: {
    idle: 'kept on while a run is on',
    held: 'kept on for the run',
    refused: 'the browser did not keep it on; keep the machine awake yourself',
    missing: 'this browser cannot keep it on; keep the machine awake yourself',
  },
}

export const zh: typeof en = {
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
