export const term = {
  sqnr: 'Signal-to-quantisation-noise ratio: how far the error lies below the signal. +6 dB halves the error.',
  sqnrLocal: 'This layer alone quantised, fed with float activations.',
  sqnrSoFar: 'In the quantised model against the float model: all errors up to here together.',
  agreement: 'How far both models give the same answers to the same samples: class, text, boxes or pixels.',
  macs: 'Multiply-accumulate operations for one sample.',
  interval: 'In 95 of 100 repetitions with other samples the true value lies in this range.',
  peak: 'The most that all activations alive at the same time take.',
  calibration: 'Running samples through the float model to learn the range of each activation.',
}
