// One network of the bench, as cases.mjs lists them.
export interface Case {
  name: string
  root: 'shared' | 'samples'
  model: string
  data: string
  input: string
  /** Samples a round of the calibration figure. */
  samples: number
  /** Upper bounds of calibration time over plain inference. */
  goals: { ranges: number; histograms: number } | null
}
