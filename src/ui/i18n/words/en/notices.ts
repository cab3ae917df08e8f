export const notices = {
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
