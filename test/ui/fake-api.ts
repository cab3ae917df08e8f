// A studio without engines, for looking at the page and for its tests: a residual network with invented figures.
// It is never part of the site.
import * as v from 'valibot'
import type { Options } from '../../src/base/options.ts'
import type { Diagnosis } from '../../src/jobs/diagnose.ts'
import type { Accuracy, LayerReport, Report, Side } from '../../src/jobs/report.ts'
import type { Sensitivities } from '../../src/jobs/sensitivity.ts'
import type { Speed } from '../../src/jobs/speed.ts'
import type { Recipe } from '../../src/recipe/types.ts'
import type {
  GraphView,
  NodeView,
  ProjectView,
  Result,
  RunProgress,
  StudioApi,
  ValueView,
  VariantView,
} from '../../workers/api.ts'

/** A residual network like ResNet: a stem, blocks of two convolutions with a bypass, a head. */
export function residualGraph(blocks: number): GraphView {
  const nodes: NodeView[] = []
  const values: ValueView[] = []
  const value = (name: string, shape: (number | string)[], constant = false) =>
    values.push({ name, dtype: 'float32', shape, constant, bytes: constant ? 4 * 9 * 256 : null })
  const node = (op: string, id: string, inputs: string[], shape: (number | string)[], macs = 0) => {
    const weights = op === 'Conv' || op === 'Gemm' ? [`${id}.weight`, `${id}.bias`] : []
    for (const name of weights) value(name, [16, 16, 3, 3], true)
    value(`${id}_out`, shape)
    nodes.push({
      id,
      op,
      domain: '',
      inputs: [...inputs, ...weights],
      outputs: [`${id}_out`],
      attrs:
        op === 'Conv'
          ? [
              { name: 'kernel_shape', text: '[3, 3]' },
              { name: 'pads', text: '[1, 1, 1, 1]' },
            ]
          : [],
      macs,
      bytes: weights.length > 0 ? 9280 : 0,
      origin: [`/resnet/${id}`],
    })
    return `${id}_out`
  }
  value('input', ['N', 3, 32, 32])
  let at = node('Relu', 'relu', [node('Conv', 'conv1', ['input'], ['N', 16, 32, 32], 442_368)], ['N', 16, 32, 32])
  for (let k = 0; k < blocks; k++) {
    const size = 32 >> Math.floor((3 * k) / blocks)
    const shape = ['N', (16 * 32) / size, size, size]
    const name = `layer${Math.floor((3 * k) / blocks) + 1}.${k}`
    const first = node('Relu', `${name}.relu1`, [node('Conv', `${name}.conv1`, [at], shape, 2_359_296)], shape)
    const second = node('Conv', `${name}.conv2`, [first], shape, 2_359_296)
    at = node('Relu', `${name}.relu2`, [node('Add', `${name}.add`, [second, at], shape)], shape)
  }
  const pooled = node('GlobalAveragePool', 'avgpool', [at], ['N', 64, 1, 1])
  const flat = node('Flatten', 'flatten', [pooled], ['N', 64])
  const logits = node('Gemm', 'fc', [flat], ['N', 10], 640)
  return { inputs: ['input'], outputs: [logits], nodes, values }
}

const sensitivities: Sensitivities = {
  target: 'onnxruntime',
  samples: 32,
  formats: ['int8', 'int4'],
  layers: [
    { node: 'conv1', op: 'Conv', parameters: 432, sqnrDb: [41, 21] },
    { node: 'layer1.0.conv1', op: 'Conv', parameters: 2304, sqnrDb: [44, 27] },
  ],
  groups: [{ layer: 'conv1', channels: 16, points: [{ gone: 4, sqnrDb: 12 }] }],
}

const speed: Speed = {
  machine: { macsPerSecond: { float32: 5e9, int8: 8e9 }, bytesPerSecond: 4e9 },
  layers: [{ node: 'conv1', op: 'Conv', macs: 442_368, moved: 20_000, ms: { float32: 0.2, int8: 0.3 } }],
}

const diagnosis: Diagnosis = {
  target: 'onnxruntime',
  form: 'qdq',
  samples: 32,
  before: { sqnrDb: 8.9, loss: 9.4, bytes: 331_000 },
  layers: [
    { node: 'layer2.3.conv1', op: 'Conv', sqnrDb: 9, share: 0.93 },
    { node: 'conv1', op: 'Conv', sqnrDb: 21.9, share: 0.05 },
  ],
  blamed: [
    {
      node: 'layer2.3.conv1',
      op: 'Conv',
      sqnrDb: 9,
      share: 0.93,
      roundings: [
        { of: 'weights', share: 0.99 },
        { of: 'output', share: 0.01 },
      ],
      causes: [{ kind: 'outlier-channel', of: 'weights-in', channel: 11, times: 333 }],
    },
  ],
  remedies: [
    {
      kind: 'repairs',
      nodes: [],
      to: 'equalize',
      quantize: { repairs: ['equalize'] },
      sqnrDb: 27.1,
      loss: 3.1,
      bytes: 331_000,
    },
    {
      kind: 'float',
      nodes: ['layer2.3.conv1'],
      to: 'float32',
      quantize: { layers: { 'layer2.3.conv1': { float: true } } },
      sqnrDb: 20.7,
      loss: 0,
      bytes: 335_700,
    },
  ],
  untried: 2,
  worst: { sample: 'img_0007.png', index: 7, sqnrDb: -1.9 },
  data: [],
}

const recipe: Recipe = {
  thimble: 1,
  seed: 0,
  steps: [
    { do: 'optimize' },
    { do: 'quantize', weights: 'int8', activations: 'uint8', layers: { last: { float: true } } },
    { do: 'evaluate' },
    { do: 'export', target: 'onnxruntime' },
  ],
}

const accuracy = (value: number, low: number, high: number): Accuracy => ({
  metric: 'top-1',
  value,
  top1: value,
  top5: 99.6,
  samples: 846,
  interval95: { low, high },
  against: null,
})

export function reportOf(graph: GraphView): Report {
  const layers = graph.nodes
    .filter(node => node.op === 'Conv' || node.op === 'Gemm' || node.op === 'Add')
    .map(
      (node, k): LayerReport => ({
        node: `/resnet/${node.id}`,
        op: node.op,
        weightBits: node.op === 'Add' ? null : 8,
        activationBits: 8,
        scheme: 'per channel, symmetric',
        sqnrDb: 44 - ((k * 7) % 13),
        cumulativeSqnrDb: 42 - k * (18 / graph.nodes.length) * 2 - ((k * 5) % 7),
        weightSqnrDb: node.op === 'Add' ? null : 41 + ((k * 3) % 5),
        activationSqnrDb: 40 + ((k * 11) % 6),
      }),
    )
  const before: Side = {
    bytes: 1_093_412,
    macs: 40_813_184,
    parameters: 272_474,
    accuracy: accuracy(91.73, 89.67, 93.42),
    latencyMs: { median: 3.42, p90: 3.91, runs: 60 },
    peakActivationBytes: 262_144,
  }
  const after: Side = {
    bytes: 318_204,
    macs: 40_813_184,
    parameters: 272_474,
    accuracy: {
      ...accuracy(91.61, 89.54, 93.31),
      against: {
        difference: -0.12,
        interval95: { low: -0.71, high: 0.47 },
        words: 'No difference can be told from 846 samples; one of more than 0.7 points is unlikely.',
      },
    },
    latencyMs: { median: 4.05, p90: 4.6, runs: 60 },
    peakActivationBytes: 66_048,
  }
  const agreement = {
    top1: 99.41,
    cosine: 0.99961,
    sqnrDb: 30.4,
    samples: 846,
    answers: { metric: 'same best class', value: 99.41, unit: '%' as const, details: [] },
  }
  return {
    thimble: 1,
    seed: 0,
    device: 'webgpu+wasm',
    model: { name: 'resnet20', format: 'ONNX', bytes: before.bytes, parameters: 272_474, macs: 40_813_184, nodes: 166 },
    before,
    after,
    agreement,
    layers,
    floatLeft: [{ node: '/resnet/fc', op: 'Gemm', why: 'the recipe keeps the last layer in float' }],
    data: {
      samples: 128,
      skipped: [{ sample: 'cat/0041.png', why: 'the file ends after 312 of 2,048 bytes' }],
      suspicious: [{ sample: 'frog/0007.png', what: 'a value of 1.0e4 where the rest lies within 2.6' }],
    },
    timing: {
      importMs: 14,
      optimizeMs: 61,
      inferenceMs: 205,
      calibrateMs: 287,
      quantizeMs: 33,
      evaluateMs: 1890,
      exportMs: 120,
      totalMs: 2405,
    },
    memory: { peakBytes: 88_000_000 },
    estimated: null,
    notes: [
      'int8 is slower than float32 here (4.05 against 3.42 ms): the WASM engine has no integer dot product on this machine. On a CPU with VNNI it is not.',
      'The pre-processing was proposed from the model’s input and not confirmed.',
    ],
    pruned: null,
    factorized: null,
    trained: [],
    optimized: {
      nodesBefore: 166,
      nodesAfter: 54,
      passes: [
        { id: 'fuse-batch-norm', changes: 21, skipped: [] },
        { id: 'fold-constants', changes: 88, skipped: [] },
        { id: 'eliminate-identity', changes: 3, skipped: [{ node: 'dropout_1', why: 'its mask is used elsewhere' }] },
      ],
    },
    steps: recipe.steps,
    bundles: [
      {
        target: 'onnxruntime',
        form: 'qdq',
        dir: 'onnxruntime',
        after,
        agreement,
        layers,
        operators: { lowBit: 31, float: 4 },
        floatLeft: [],
        files: [
          {
            path: 'model.onnx',
            bytes: 318_204,
            sha256: '3b8f1c0a9e77d2415c6a8b90f1e2d3c4b5a69788f0e1d2c3b4a5968778695a4b',
          },
          {
            path: 'manifest.json',
            bytes: 2_914,
            sha256: '90ab1c0a9e77d2415c6a8b90f1e2d3c4b5a69788f0e1d2c3b4a5968778695a4b',
          },
          {
            path: 'golden/inputs.npz',
            bytes: 49_412,
            sha256: 'cafe1c0a9e77d2415c6a8b90f1e2d3c4b5a69788f0e1d2c3b4a5968778695a4b',
          },
          {
            path: 'sample/run.py',
            bytes: 1_204,
            sha256: '77aa1c0a9e77d2415c6a8b90f1e2d3c4b5a69788f0e1d2c3b4a5968778695a4b',
          },
        ],
      },
    ],
  }
}

export const variantOf = (graph: GraphView): VariantView => ({
  id: 'v1',
  name: 'int8/uint8',
  made: Date.now() - 3_600_000,
  recipe,
  figures: reportOf(graph).bundles.map(({ target, form, dir, after, agreement }) => ({
    target,
    form,
    dir,
    before: reportOf(graph).before,
    after,
    agreement,
  })),
})

const good = <T>(value: T): Result<T> => ({ ok: true, value })
const wait = (ms: number) => new Promise<void>(done => setTimeout(done, ms))

function picture(index: number, size: number, shift: number) {
  const rgba = new Uint8ClampedArray(size * size * 4)
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const inside = (x - size / 2) ** 2 + (y - size / 2) ** 2 < (size / 3) ** 2
      rgba.set(
        inside ? [220 - index * 20, 140, 60 + shift, 255] : [40 + y * 3, 90 + x * 2, 150, 255],
        (y * size + x) * 4,
      )
    }
  return { width: size, height: size, rgba }
}

export interface FakeOptions {
  blocks: number
  stepMs: number // of each progress report
  finished: boolean // the project has its result already
  readOnly: boolean
}

export function fakeApi(options: Partial<FakeOptions> = {}): StudioApi {
  const { blocks = 9, stepMs = 20, finished = false, readOnly = false } = options
  const graph = residualGraph(blocks)
  let cancelled = false
  let project: ProjectView = {
    id: 'p1',
    name: 'resnet20',
    bytes: 1_500_000,
    thumbnail: { bars: [0.2, 0.6, 1, 0.9, 0.7, 0.4, 0.3] },
    results: finished ? 1 : 0,
    paths: { model: 'resnet20.onnx', calibration: { path: 'images', files: 128 }, evaluation: null },
    changed: Date.now() - 7_200_000,
    stage: finished ? 'done' : 'ready',
    lockedElsewhere: readOnly,
    model: {
      name: 'resnet20.onnx',
      format: 'ONNX',
      bytes: 1_093_412,
      parameters: 272_474,
      macs: 40_813_184,
      openMacs: false,
      nodes: 166,
      inputs: [{ name: 'input', dtype: 'float32', shape: ['N', 3, 32, 32] }],
      outputs: [{ name: 'logits', dtype: 'float32', shape: ['N', 10] }],
      opset: 17,
      notes: ['Two initializers are used by no node and were left out.'],
      metadata: { producer: 'pytorch 2.9' },
      task: { kind: 'classify' },
    },
    calibration: {
      name: 'calib512',
      size: 128,
      labels: null,
      skipped: [{ sample: 'cat/0041.png', why: 'the file ends after 312 of 2,048 bytes' }],
      suspicious: [{ sample: 'frog/0007.png', what: 'a value of 1.0e4 where the rest lies within 2.6' }],
      loose: true,
      recorded: false,
      byHand: null,
    },
    evaluation: {
      name: 'test846',
      size: 846,
      labels: 'class',
      skipped: [],
      suspicious: [],
      loose: false,
      recorded: false,
      byHand: null,
    },
    input: {
      inputs: {
        input: {
          layout: 'NCHW',
          color: 'RGB',
          scale: 0.00392156862745098,
          mean: [0.4914, 0.4822, 0.4465],
          std: [0.2471, 0.2435, 0.2616],
          pad: 0,
          resize: { fit: 'exact', size: [32, 32], filter: 'bilinear', like: 'pil' },
        },
      },
    },
    inputProposed: true,
    recipe,
    undo: 0,
    redo: 0,
    variants: finished ? [variantOf(graph)] : [],
    current: finished ? 'v1' : null,
    report: finished ? reportOf(graph) : null,
    error: null,
    readOnly,
  }
  const set = (part: Partial<ProjectView>): Result<ProjectView> => {
    project = { ...project, ...part }
    return good(project)
  }
  const sampleText = { en: 'Handwritten digits', zh: '手写数字' }
  return {
    capabilities: async () => ({
      version: '0.1.0',
      isolated: true,
      threads: 4,
      simd: true,
      webgpu: { available: true, adapter: 'SwiftShader', verified: true, why: null },
      storage: { used: 5_300_000, quota: 10_700_000_000, persisted: false },
    }),
    catalogue: async () => ({
      tasks: [{ id: 'classify', label: 'Classification', options: {} }],
      decoders: [],
      steps: [
        { id: 'optimize', label: 'Optimise the graph', options: {} as Options, stands: null },
        {
          id: 'cut',
          label: 'Cut the graph and freeze shapes',
          stands: null,
          options: { shapes: { kind: 'value', label: 'Shapes', default: {}, schema: v.unknown() } },
        },
        {
          id: 'quantize',
          label: 'Quantise',
          stands: null,
          options: {
            weights: {
              kind: 'choice',
              label: 'Weights',
              choices: ['int8', 'int7', 'float16', 'float32'],
              default: 'int8',
            },
            activations: {
              kind: 'choice',
              label: 'Activations',
              choices: ['uint8', 'int8', 'float32'],
              default: 'uint8',
            },
            granularity: { kind: 'choice', label: 'Weight scales', choices: ['channel', 'tensor'], default: 'channel' },
            range: {
              kind: 'choice',
              label: 'Range of activations',
              choices: ['minmax', 'percentile', 'mse', 'kl'],
              default: 'minmax',
            },
            percentile: { kind: 'number', label: 'Percentile', default: 99.99, min: 90, max: 100, step: 0.001 },
            rawInput: { kind: 'flag', label: 'Fold normalisation', default: false },
            layers: { kind: 'value', label: 'Per layer', default: {}, schema: v.unknown() },
          },
        },
        { id: 'evaluate', label: 'Evaluate', options: {}, stands: null },
        { id: 'export', label: 'Export', options: {}, stands: null },
      ],
      presets: [
        { id: 'balanced', label: 'Balanced: 8-bit weights and activations', recipe },
        { id: 'float16', label: 'Half the size: float16', recipe: { ...recipe, steps: [{ do: 'optimize' }] } },
      ],
      targets: [
        {
          id: 'onnxruntime',
          label: 'ONNX Runtime',
          vendor: 'Microsoft',
          forms: ['qdq', 'float16'],
          weights: ['int8', 'int4'],
          ranOnItsRuntime: true,
          caution: null,
        },
        {
          id: 'ort-web',
          label: 'ONNX Runtime Web',
          vendor: 'Microsoft',
          forms: ['qdq'],
          weights: ['int8'],
          ranOnItsRuntime: true,
          caution: null,
        },
      ],
      chips: [],
      samples: [
        {
          id: 'digits',
          label: sampleText,
          about: {
            en: 'A small convolutional network trained by this project, with 1,256 drawn digits.',
            zh: '本项目训练的小型卷积网络，附 1,256 张手写数字。',
          },
          bytes: 310_000,
        },
        {
          id: 'text-lines',
          label: { en: 'Lines of text', zh: '文字行识别' },
          about: {
            en: 'A real recogniser for Chinese and English with 96 drawn lines.',
            zh: '真实的中英文识别网络，附 96 行文字。',
          },
          bytes: 10_700_000,
        },
      ],
    }),
    projects: async () => [
      project,
      {
        ...project,
        id: 'p2',
        name: 'mobilenetv2',
        bytes: 14_200_000,
        stage: 'interrupted',
        changed: Date.now() - 90_000_000,
        lockedElsewhere: false,
      },
    ],
    createProject: async files => {
      await wait(200)
      const broken = files.some(({ path }) => path.includes('broken'))
      if (broken)
        return {
          ok: false,
          error: {
            code: 'truncated',
            message: 'broken.onnx ends in the middle of initializer conv1.weight.',
            where: { file: files[0].path, value: 'conv1.weight' },
            hint: 'Copy or download the file again; it should have 1,093,412 bytes.',
          },
        }
      return set({ id: 'p1' })
    },
    createFromSample: async () => set({}),
    openProject: async () => set({}),
    closeProject: async () => undefined,
    renameProject: async (_, name) => set({ name }),
    deleteProject: async () => good(null),
    restoreProject: async () => good(null),
    eraseProject: async () => good(null),
    projectFile: async () => good({ file: new Blob(['a project']) }),
    deleteEverything: async () => good(null),
    addData: async (_, role, files) =>
      set({
        [role]: {
          name: files[0].path,
          size: files.length,
          labels: null,
          skipped: [],
          suspicious: [],
          loose: false,
          recorded: false,
          byHand: null,
        },
      }),
    addPictures: async () => set({}),
    addSound: async () => set({}),
    labelSample: async () => set({}),
    setInput: async (_, input) => set({ input, inputProposed: false }),
    layer: async () => good({ weights: null, formats: null }),
    layerOutput: async () => good(null),
    standing: async () => good(null),
    tryLayers: async () =>
      good({
        samples: 16,
        before: { sqnrDb: 31.2, loss: 0, bytes: 318_000 },
        after: { sqnrDb: 33, loss: 0, bytes: 330_000 },
      }),
    stopLooking: async () => undefined,
    setRecipe: async (_, next) => {
      const unknown = next.steps.find(step => !['optimize', 'cut', 'quantize', 'evaluate', 'export'].includes(step.do))
      if (!unknown) return set({ recipe: next })
      return {
        ok: false,
        error: {
          code: 'bad-recipe',
          message: `There is no step ${unknown.do}.`,
          where: { step: unknown.do },
          hint: 'The steps are: optimize, cut, quantize, evaluate, export.',
        },
      }
    },
    checkRecipe: async recipe => good(recipe as Recipe),
    undoRecipe: async () => set({}),
    redoRecipe: async () => set({}),
    diagnose: async () => good(diagnosis),
    diagnosis: async () => good(diagnosis),
    measureSensitivity: async () => good(sensitivities),
    sensitivity: async () => good(null),
    measureSpeed: async () => good(speed),
    speed: async () => good(null),
    lint: async (_, target) =>
      good({
        target,
        integer: 29,
        findings: [
          {
            node: 'avgpool',
            op: 'GlobalAveragePool',
            why: 'it is computed in floats there',
            level: 'float',
            source: 'https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html',
            origin: ['/resnet/avgpool'],
            form: null,
          },
        ],
        sources: [],
      }),
    forecast: async () =>
      good({ steps: [], seconds: 12, peakBytes: 3e8, probe: { runMs: 3, openMs: 20, readMs: 1, macsPerSecond: 1e9 } }),
    costs: async () => good(null),
    report: async () => good(reportOf(graph)),
    sharedValues: async () =>
      good(graph.nodes.filter(({ op }) => op === 'Conv').map(({ id, op }) => ({ value: `${id}_out`, node: id, op }))),
    beside: async () =>
      good({
        maps: null,
        difference: { sqnrDb: 31.2, maxAbs: 0.4 },
        answers: { label: 6, before: 6, after: 6, alike: 1, right: { before: true, after: true }, misfit: null },
        scores: null,
      }),
    answers: async () => good(null),
    compareDump: async () => good({ layers: [], firstDifference: null, unknown: [] }),
    renameVariant: async (_, __, name) => set({ variants: project.variants.map(known => ({ ...known, name })) }),
    deleteVariant: async () => set({ variants: [] }),
    restoreVariant: async () => set({ variants: [variantOf(graph)] }),
    preview: async (_, __, index) =>
      good({
        name: `frog/${String(index).padStart(4, '0')}.png`,
        label: 'frog',
        original: picture(index, 96, 0),
        fed: { ...picture(index, 32, 60), min: -1.989, max: 2.126, mean: 0.031 },
        map: null,
      }),
    graph: async () => good(graph),
    run: async (_, __, onProgress) => {
      cancelled = false
      const steps = project.recipe.steps
      for (let step = 0; step < steps.length; step++)
        for (let done = 0; done <= 128; done += 8) {
          await wait(stepMs)
          if (cancelled) {
            set({ stage: 'ready' })
            return {
              ok: false,
              error: { code: 'cancelled', message: 'The run was stopped', where: {}, hint: 'Run again.' },
            }
          }
          onProgress({
            step,
            steps: steps.length,
            stage: steps[step].do,
            done,
            total: 128,
            perSecond: 412,
            secondsLeft: (128 - done) / 412,
          } as RunProgress)
        }
      return set({ report: reportOf(graph), stage: 'done', variants: [variantOf(graph)], current: 'v1' })
    },
    cancel: async () => {
      cancelled = true
    },
    bundle: async () => good({ zip: new Blob(['PK']) }),
  }
}
