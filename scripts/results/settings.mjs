// What is tried on every model: number formats, each with every set of repairs.
const eight = { weights: 'int8', activations: 'uint8' }
const ends = { first: eight, last: eight }

/** `quantize` are the options of that step. */
export const settings = [
  { id: 'w8a8-tensor', title: 'W8A8 per tensor', quantize: { ...eight, granularity: 'tensor' } },
  { id: 'w8a8', title: 'W8A8 per channel', quantize: eight },
  { id: 'w8a16', title: 'W8A16', quantize: { weights: 'int8', activations: 'int16' } },
  { id: 'w4a8', title: 'W4A8', quantize: { weights: 'int4', activations: 'uint8' } },
  { id: 'w4a4', title: 'W4A4, ends 8', quantize: { weights: 'int4', activations: 'uint4', layers: ends } },
  { id: 'w2a4', title: 'W2A4, ends 8', quantize: { weights: 'int2', activations: 'uint4', layers: ends } },
  {
    id: 'w2a4-ternary',
    title: 'W2A4 ternary, ends 8',
    quantize: { weights: 'ternary', activations: 'uint4', layers: ends },
  },
  { id: 'w2a8', title: 'W2A8 ternary, ends 8', quantize: { weights: 'ternary', activations: 'uint8', layers: ends } },
  { id: 'log8', title: 'log8', quantize: { weights: 'log8', activations: 'log8' } },
  { id: 'fp8', title: 'FP8 e4m3', quantize: { weights: 'fp8e4m3', activations: 'fp8e4m3' } },
  {
    id: 'int4-block',
    title: 'int4 in blocks of 32, weights only',
    quantize: { weights: 'int4', activations: 'float32', granularity: 'block:32' },
    // `evaluate` cannot look at the layers of a model whose activations all stay float: "At least one output should be requested".
    layerSamples: 0,
  },
  {
    id: 'w1a8',
    title: '1-bit weights, A8, ends 8',
    quantize: { weights: 'binary', activations: 'uint8', layers: ends },
  },
]

// Where rounding costs enough that minutes of learning are worth it.
const fewBits = ['w4a8', 'w4a4', 'w2a8', 'w1a8']

/** `only`: the settings that it is tried with, where not all. `pixels`: for models whose pixels are normalised.
 * `learned`: it is bounded as the model says. */
export const repairSets = [
  { id: 'none', title: 'none', quantize: { repairs: [] } },
  { id: 'equalize', title: 'equalize', quantize: { repairs: ['equalize'] } },
  { id: 'correct-bias', title: 'correct-bias', quantize: { repairs: ['correct-bias'] } },
  { id: 'refit', title: 'refit', quantize: { repairs: ['refit'] } },
  { id: 'equalize+refit', title: 'equalize, refit', quantize: { repairs: ['equalize', 'refit'] } },
  { id: 'adaround', title: 'adaround', quantize: { repairs: ['adaround'] }, only: fewBits, learned: true },
  { id: 'refit+brecq', title: 'refit, brecq', quantize: { repairs: ['refit', 'brecq'] }, only: fewBits, learned: true },
  { id: 'refit+qdrop', title: 'refit, qdrop', quantize: { repairs: ['refit', 'qdrop'] }, only: fewBits, learned: true },
  {
    id: 'raw',
    title: 'none; takes pixels',
    quantize: { repairs: [], rawInput: true },
    only: ['w8a8-tensor', 'w8a8'],
    pixels: true,
  },
  {
    id: 'raw+equalize+refit',
    title: 'equalize, refit; takes pixels',
    quantize: { repairs: ['equalize', 'refit'], rawInput: true },
    only: ['w8a8-tensor', 'w8a8'],
    pixels: true,
  },
]

export const applies = (model, setting, repairs) =>
  (repairs.only?.includes(setting.id) ?? true) &&
  (!repairs.pixels || model.normalised) &&
  (!model.only || (model.only.settings.includes(setting.id) && model.only.repairs.includes(repairs.id)))

/** Nothing is timed, and layers are looked at on two samples, for their bits alone: neither changes what is written. */
export const recipeOf = (setting, repairs, { learning } = {}) => ({
  thimble: 1,
  steps: [
    { do: 'optimize' },
    {
      do: 'quantize',
      ...setting.quantize,
      ...repairs.quantize,
      ...(repairs.learned ? learning : {}),
    },
    { do: 'evaluate', layerSamples: setting.layerSamples ?? 2, latency: false },
  ],
})
