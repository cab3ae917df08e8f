// Which models are run in targets' runtimes, and on how many samples: few for those that cost seconds each in a reference kernel.
import { models as measured } from '../results/models.mjs'

const heavy = { calibrate: 64, judge: 32, heavy: true }
const counts = {
  resnet20: { calibrate: 128, judge: 846 },
  resnet8: { calibrate: 128, judge: 846 },
  kws: { calibrate: 128, judge: 800 },
  mobilenet_v1: { ...heavy, judge: 136 },
  vww: { ...heavy, judge: 136 },
  mobilenet_v2: heavy,
  ultraface: heavy,
  ppocr: { calibrate: 32, judge: 32, heavy: true },
}

// Bundles have one shape: lines are padded to the width of the longest.
const lines = {
  inputs: {
    '*': {
      layout: 'NCHW',
      color: 'BGR',
      resize: { fit: 'height', size: [48, 1], max: 384, filter: 'bilinear', like: 'opencv' },
      scale: 1 / 255,
      mean: [0.5, 0.5, 0.5],
      std: [0.5, 0.5, 0.5],
      pad: 127.5,
    },
  },
}

/** Those of docs/results.md, with what `calibrate` and `judge` they take; `heavy`: integer kernels of reference are too slow for it. */
export const models = measured.map(model => ({
  ...model,
  ...counts[model.id],
  ...(model.id === 'ppocr' ? { input: lines } : {}),
}))

/** So many of a model's samples are previewed: the integer executor takes its time. */
export const previewed = 128

/** Those of the others that fit into what every push may take. */
export const everyPush = ['resnet20', 'kws']
