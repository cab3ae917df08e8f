export const chart = {
  title: 'What it costs and how good it is',
  x: 'Across',
  y: 'Upwards',
  size: 'Size',
  latency: 'Latency',
  accuracy: 'Accuracy',
  sqnr: 'SQNR',
  front: 'Pareto front: nothing tried is better in both.',
  label: (y: string, x: string, n: number) => `${y} against ${x.toLowerCase()}: ${n} points`,
  empty: 'Nothing has been measured for these two yet.',
  help: 'Tab goes from point to point, Enter shows its result.',
}
