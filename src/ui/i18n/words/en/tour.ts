export const tour = {
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
