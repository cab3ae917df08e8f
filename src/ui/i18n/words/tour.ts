export const en = {
  title: 'First steps',
  of: (k: number, n: number) => `${k} of ${n}`,
  next: 'Next',
  skip: 'Skip',
  done: 'Got it',
  again: 'Show the first steps again',
  steps: {
    start: 'Drop a model into the frame, or let a sample run: it takes one click, and shows all that there is.',
    stays: 'Nothing is sent. The counter at the top says so, and behind it stands what this machine can do.',
    commands: 'Ctrl K lists everything that can be done, from the keyboard.',
    places:
      'These are places, not gates: each has a default, and any can be visited at any time. Keys 1 to 7 lead there.',
    run: 'With a recipe and some samples, R runs it. What was finished is kept, whenever you stop.',
  },
}

export const zh: typeof en = {
  title: '入门',
  of: (k, n) => `第 ${k} / ${n} 步`,
  next: '下一步',
  skip: '跳过',
  done: '知道了',
  again: '重新显示入门步骤',
  steps: {
    start: '将模型拖入方框，或运行一个示例：只需一次点击，即可看到全部功能。',
    stays: '不会发送任何内容。顶部的计数可以证明，点开可查看本机能力。',
    commands: '按 Ctrl K 可用键盘查找所有操作。',
    places: '这些是位置而不是关卡：各有默认设置，可随时前往。按数字键 1 到 7 即可到达。',
    run: '有了配方和一些样本，按 R 即可运行。随时停止，已完成的部分均会保留。',
  },
}
