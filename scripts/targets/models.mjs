// Which models are run in targets' runtimes, and on how many samples: few for those that cost seconds each in a reference kernel.
import { models as measured } from '../results/models.mjs'

// `preview`: of these the integer executor computes, which takes its time.
const light = { calibrate: 128, judge: 846, preview: 128 }
const middling = { calibrate: 64, judge: 136, preview: 64, heavy: true }
const heavy = { calibrate: 64, judge: 32, preview: 8, heavy: true }
const counts = {
  resnet20: light,
  resnet8: light,
  kws: { ...light, judge: 800 },
  mobilenet_v1: middling,
  vww: middling,
  mobilenet_v2: heavy,
  ultraface: heavy,
  ppocr: { ...heavy, calibrate: 32 },
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

/** Those of docs/results.md, with what they are calibrated and judged on; `heavy`: integer kernels of reference are too slow for it. */
export const models = measured.map(model => ({
  ...model,
  ...counts[model.id],
  ...(model.id === 'ppocr' ? { input: lines } : {}),
}))

/** Those of the others that fit into what every push may take. */
export const everyPush = ['resnet20', 'kws']
