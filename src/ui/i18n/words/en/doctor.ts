export const doctor = {
  title: 'Why did accuracy fall?',
  about: 'Each layer is run in few bits alone, then what may help is tried on the whole model, on 32 samples.',
  look: 'Find out',
  again: 'Look again',
  looking: 'Looking for the error',
  stop: 'Stop',
  needsRun: 'Run the recipe as it is now, then this can be found out.',
  needsSamples: 'It takes samples: add some under Data.',
  found: (db: string, loss: string, samples: string) =>
    `Output SQNR ${db}; ${loss} of the answers are others, over ${samples} samples.`,
  even: 'No layer stands out: the noise comes from all of them alike.',
  share: (share: string) => `${share} of the noise`,
  rounding: { weights: 'weights', input: 'input', output: 'output' },
  channel: {
    'weights-in': (channel: number, times: string) =>
      `Input channel ${channel} of the weights reaches ${times} times as far as the median channel: one scale leaves the others few codes.`,
    'weights-out': (channel: number, times: string) =>
      `Output channel ${channel} of the weights reaches ${times} times as far as the median channel: one scale leaves the others few codes.`,
    input: (channel: number, times: string) =>
      `Channel ${channel} of the input reaches ${times} times as far as the median channel: one scale leaves the others few codes.`,
    output: (channel: number, times: string) =>
      `Channel ${channel} of the output reaches ${times} times as far as the median channel: one scale leaves the others few codes.`,
  },
  clipped: (of: string, reaches: string, cutAt: string) => `The ${of} reaches ${reaches} and is cut at ${cutAt}.`,
  shared: (of: string, times: string) => `The ${of} shares its scale with a value that reaches ${times} times as far.`,
  tail: (of: string, times: string) => `A few values of the ${of} reach ${times} times the standard deviation.`,
  fewBits: (of: string, bits: number) => `Nothing stands out in the ${of}: ${bits} bits are too few for it.`,
  worst: 'The sample that shows it most',
  remedies: 'What helps',
  remedy: 'Remedy',
  for: 'For',
  whole: 'the whole model',
  gain: 'Gain',
  answers: 'Other answers',
  price: 'Price',
  use: 'Use and run',
  kind: {
    float: () => 'Keep in float',
    activations: (to: string) => `Activations ${to}`,
    weights: (to: string) => `Weights ${to}`,
    granularity: () => 'A scale for each channel',
    range: (to: string) => `Ranges by ${to}`,
    repairs: (to: string) => `Repair: ${to}`,
  },
  untried: (n: number) => `${n} more were not tried for want of time.`,
}
