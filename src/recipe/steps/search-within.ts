// From measured layers to a decision: what each way of keeping a layer costs, which candidates are tried, and which is taken.
import { byteLength } from '../../base/dtype.ts'
import { StudioError } from '../../base/errors.ts'
import { type FormatName, numberFormat } from '../../ir/format-names.ts'
import type { Model } from '../../ir/model.ts'
import { containerOf } from '../../ir/number-format.ts'
import type { Target } from '../../ir/target.ts'
import { elements } from '../../ir/tensor.ts'
import { weightOf } from '../../ops/facts.ts'
import { noiseShare, sqnrDb } from '../../stages/evaluate/errors.ts'
import { latencies } from '../../stages/evaluate/latency.ts'
import { fromPixels } from '../../stages/quantize/raw-input.ts'
import { firstThatMeets } from '../../stages/search/bisect.ts'
import { front, knapsack, pointOf } from '../../stages/search/knapsack.ts'
import { paretoFront } from '../../stages/search/pareto.ts'
import { shrunk } from '../../stages/search/shrink.ts'
import type { Layers, Point } from '../../stages/search/types.ts'
import type { State, StepEnv, Variant } from '../state.ts'
import { asMeasured, type Expected } from './expected.ts'
import type { QuantizeOptions } from './quantize-options.ts'
import { bitsOf, type Figures, type Found, type SearchOptions, type Tried } from './search-options.ts'
import type { SearchLayer, Sensitivity } from './sensitivity.ts'
import type { Errors, Trial } from './trial.ts'
import { write } from './write.ts'

export interface Space {
  model: Model
  layers: readonly SearchLayer[]
  formats: readonly FormatName[]
  base: QuantizeOptions
  sensitivity: Sensitivity
  expected: Expected
  trial: Trial
  judgedOn: number
  /** Milliseconds of each layer in each of its ways. */
  times(ways: readonly (readonly FormatName[])[]): Promise<number[][]>
}

/** How a candidate did on one target. */
interface OnTarget {
  target: string
  bytes: number
  measured: Figures
  loss: number
  errors: Errors
  ms: number | null
}

interface Candidate extends Tried {
  point: Point
  quantize: QuantizeOptions
  onTargets: readonly OnTarget[]
}

type Unit = 'bytes' | 'bits' | 'ms'

export async function decideWithin(
  space: Space,
  o: SearchOptions,
  build: (quantize: QuantizeOptions) => Promise<State>,
  { until }: { until: number },
  env: StepEnv,
): Promise<Found> {
  const { ctx } = env
  const { keep } = o
  const byKl = scoresKl(space, o)
  const waysIn = waysOf(space)
  const unit: Unit = keep.bits !== undefined ? 'bits' : keep.latencyMs !== undefined ? 'ms' : 'bytes'
  const times = unit === 'ms' ? await space.times(waysIn) : null
  const layers = priced(waysIn, space, unit, byKl, times)
  const weights = space.layers.reduce((n, layer) => n + countOf(space, layer), 0)
  const tried: Candidate[] = []
  let longest = 0
  // One more candidate, and the one that is taken once more on all samples, must still have their time.
  const late = (): boolean => ctx.clock() + 2 * longest > until
  const errorOf = (figures: Figures): number => (byKl ? figures.kl! : noiseShare(figures.sqnrDb))
  const errorsOf = ({ onTargets }: Candidate): readonly number[] => {
    const { errors } = onTargets.reduce((worst, t) => (errorOf(t.measured) > errorOf(worst.measured) ? t : worst))
    return byKl ? errors.kl : errors.squared
  }

  const attempt = async (point: Point): Promise<Candidate> => {
    const known = tried.find(t => t.point.choice.join() === point.choice.join())
    if (known) return known
    ctx.signal.throwIfAborted()
    const start = ctx.clock()
    const quantize = optionsFor(space, waysIn, point)
    const onTargets = await env.memo({ stage: 'candidate', quantize, unit, judgedOn: space.judgedOn }, async () =>
      judged((await build(quantize)).variants),
    )
    const most = (of: (t: OnTarget) => number): number => onTargets.reduce((m, t) => Math.max(m, of(t)), -1)
    const bytes = most(t => t.bytes)
    const candidate = {
      point,
      quantize,
      onTargets,
      cost: unit === 'ms' ? most(t => t.ms!) : unit === 'bits' ? point.cost / weights : bytes,
      bytes,
      predicted: predictedOf(space, waysIn, point),
      measured: {
        sqnrDb: onTargets.reduce((least, t) => Math.min(least, t.measured.sqnrDb), Number.POSITIVE_INFINITY),
        kl: onTargets[0].measured.kl === null ? null : most(t => t.measured.kl!),
      },
      loss: most(t => t.loss),
    }
    tried.push(candidate)
    longest = Math.max(longest, ctx.clock() - start)
    ctx.progress({ stage: 'search', done: tried.length, total: null, note: wordsOf(candidate) })
    return candidate
  }

  const chosen =
    keep.bytes !== undefined || keep.bits !== undefined
      ? await withinBudget()
      : await alongTheFront(keep.latencyMs !== undefined)
  return foundOf(chosen, tried, space)

  /** Every target that the recipe names; those whose rules are the same share a model, which is run once. */
  async function judged(variants: readonly Variant[]): Promise<OnTarget[]> {
    const open = variants.filter(v => v.plan !== null)
    const known = new Map<Model, Pick<OnTarget, 'measured' | 'loss' | 'errors' | 'ms'>>()
    const all: OnTarget[] = []
    for (const variant of open.length > 0 ? open : variants) {
      const { model, raw } = variant
      let figures = known.get(model)
      if (!figures) {
        const { loss, errors, ...measured } = await space.trial.compare(model)
        figures = { loss, errors, measured, ms: unit === 'ms' ? await millisecondsOf(model, space, env) : null }
        known.set(model, figures)
      }
      const target = env.wanted.find(w => w.target.id === variant.target)!.target
      const bytes = await bytesOf(fromPixels(model, raw), target, variant.asked ?? target.forms[0].id, env)
      all.push({ target: target.id, bytes, ...figures })
    }
    return all
  }

  /** The knapsack's answer, and others of about that size: by the other error, by what was measured, uniform formats, less budget. */
  async function withinBudget(): Promise<Candidate> {
    const budget = keep.bytes ?? keep.bits!
    const smallest = front(layers)[0]
    // What the file holds besides the weights is known only once it is written.
    let rest = keep.bytes === undefined ? 0 : (await attempt(smallest)).bytes - smallest.cost
    const open = (): number => (keep.bytes === undefined ? budget * weights : budget - rest)
    const fits = (c: Candidate): boolean => c.cost <= budget * (1 + 1e-9)
    for (let round = 0, last = ''; round < 4; round++) {
      const point = knapsack(layers, open())
      if (!point || point.choice.join() === last) break
      last = point.choice.join()
      const { bytes } = await attempt(point)
      if (keep.bytes !== undefined) rest = bytes - point.cost
    }
    const uniform = space.formats.map(format =>
      pointOf(
        layers,
        waysIn.map(ways => Math.max(0, ways.indexOf(format))),
      ),
    )
    const otherwise = (kl: boolean | null, by: Expected): Point | null =>
      knapsack(priced(waysIn, space, unit, kl, times, by), open())
    const others = [
      ...(byKl === null ? [] : [otherwise(!byKl, space.expected)]),
      otherwise(byKl, asMeasured(space.sensitivity)),
      ...uniform.filter(p => p.cost <= open() && p.cost > 0.8 * open()),
      ...[0.99, 0.98, 0.97].map(share => knapsack(layers, share * open())),
    ]
    for (const point of others) if (point && !late()) await attempt(pointOf(layers, point.choice))
    const within = tried.filter(fits)
    if (within.length === 0)
      throw refused(
        keep.bytes !== undefined
          ? `With ${space.formats.join(', ')} the model files take at least ${Math.min(...tried.map(t => t.bytes))} bytes, more than the ${budget} that are to be kept`
          : `With ${space.formats.join(', ')} a weight takes at least ${smallest.cost / weights} bits, more than the ${budget} that are to be kept`,
        'Allow formats of fewer bits, or more.',
      )
    const errors = shrunk(within.map(c => ({ predicted: errorOf(c.predicted), errors: errorsOf(c) })))
    return within[errors.indexOf(Math.min(...errors))]
  }

  /** The smallest that loses no more than is allowed, or the best that is fast enough. */
  async function alongTheFront(timed: boolean): Promise<Candidate> {
    const points = thinned(front(layers))
    if (timed) points.reverse()
    const meets = (c: Candidate): boolean => (timed ? c.cost <= keep.latencyMs! : c.loss <= keep.loss!)
    const index = await firstThatMeets(points.length, async i => {
      // Once the time is up, what met so far is taken, or else the last, which is the surest.
      if (late() && (i < points.length - 1 || tried.some(meets))) return false
      return meets(await attempt(points[i]))
    })
    if (index === null) {
      const best = tried.reduce((a, b) => ((timed ? b.cost < a.cost : b.loss < a.loss) ? b : a))
      throw refused(
        timed
          ? `With ${space.formats.join(', ')} a run takes at least ${best.cost} ms here, more than the ${keep.latencyMs} that are to be kept`
          : `With ${space.formats.join(', ')} at least ${best.loss} points are lost, more than the ${keep.loss} that are to be kept`,
        timed ? 'Allow more.' : 'Allow more, or add float32 to the formats.',
      )
    }
    return attempt(points[index])
  }
}

const refused = (message: string, hint: string): StudioError =>
  new StudioError('bad-recipe', message, { where: { step: 'search' }, hint })

// Bisection over so many needs five candidates.
const mostPoints = 32

const thinned = (points: readonly Point[]): Point[] =>
  points.length <= mostPoints
    ? [...points]
    : Array.from({ length: mostPoints }, (_, i) => points[Math.round((i * (points.length - 1)) / (mostPoints - 1))])

/** Whether KL is the score; null where there is none. Errors of probabilities say little in dB, and points follow KL. */
function scoresKl({ sensitivity, trial }: Space, { score, keep }: SearchOptions): boolean | null {
  const has = Object.values(sensitivity).some(formats => Object.values(formats).some(f => f.kl !== null))
  if (!has) return null
  if (score !== 'auto') return score === 'kl'
  const probabilities = Object.values(trial.outputs[0] ?? {}).every(({ data }) =>
    (data as Float32Array).every(x => x >= 0 && x <= 1),
  )
  return probabilities || keep.loss !== undefined
}

/**
 * Formats that each layer may take: those measured, and in any case the widest. Where the time was up before a layer's turn, 8 bits too,
 * which seldom hurt: the whole candidate is verified.
 */
function waysOf({ layers, formats, sensitivity }: Space): FormatName[][] {
  const widest = formats.reduce((a, b) => (bitsOf(b) > bitsOf(a) ? b : a))
  return layers.map(({ id }) =>
    formats.filter(f => f === widest || (sensitivity[id] ? sensitivity[id][f] !== undefined : bitsOf(f) === 8)),
  )
}

const countOf = ({ model }: Space, { weight }: SearchLayer): number => elements(model.graph.values.get(weight)!.data!)

function priced(
  ways: readonly FormatName[][],
  space: Space,
  unit: Unit,
  byKl: boolean | null,
  times: readonly (readonly number[])[] | null,
  by: Expected = space.expected,
): Layers {
  return space.layers.map((layer, k) =>
    ways[k].map((format, way) => {
      const figures = by(layer.id, format)
      return {
        cost:
          unit === 'ms'
            ? times![k][way]
            : unit === 'bits'
              ? countOf(space, layer) * bitsOf(format)
              : bytesIn(space, layer, format),
        score: byKl ? (figures.kl ?? 0) : noiseShare(figures.sqnrDb),
      }
    }),
  )
}

// A layer in integers has nodes that restore weight and bias and a pair that rounds its output, with their names; about so much.
const nodesBytes = 500

function bytesIn(space: Space, layer: SearchLayer, name: FormatName): number {
  const count = countOf(space, layer)
  const format = numberFormat(name, true)
  if (!format) return 4 * count
  const { graph } = space.model
  const node = graph.nodes.find(n => n.id === layer.id)!
  const { axis } = weightOf(node, graph)!
  const channels = axis === null ? 1 : graph.values.get(layer.weight)!.data!.shape[axis]
  // Scales of weight and bias.
  return byteLength(containerOf(format), count) + 8 * channels + nodesBytes
}

function optionsFor({ layers, base }: Space, ways: readonly FormatName[][], { choice }: Point): QuantizeOptions {
  const chosen = layers.flatMap(({ nodes }, k) => {
    const format = ways[k][choice[k]]
    return nodes.map(id => [id, format === 'float32' ? { float: true } : { weights: format }] as const)
  })
  return { ...base, layers: { ...base.layers, ...Object.fromEntries(chosen) } }
}

function predictedOf(space: Space, ways: readonly FormatName[][], { choice }: Point): Figures {
  const figures = space.layers.map((layer, k) => space.expected(layer.id, ways[k][choice[k]]))
  const noise = figures.reduce((sum, f) => sum + noiseShare(f.sqnrDb), 0)
  const kl = figures.some(f => f.kl === null) ? null : figures.reduce((sum, f) => sum + f.kl!, 0)
  return { sqnrDb: sqnrDb(1, noise), kl }
}

/** Bytes of the model files that a bundle would hold. */
export async function bytesOf(
  model: Model,
  target: Target,
  form: string,
  { ctx }: Pick<StepEnv, 'ctx'>,
): Promise<number> {
  const wish = { form, io: 'float' as const, preprocess: {}, quantized: null, calibration: null, name: '', fed: {} }
  const { files } = await write(model, target, wish, ctx)
  let bytes = 0
  for (const file of files) for await (const chunk of file.chunks()) bytes += chunk.length
  return bytes
}

/** Of one sample, as the report gives it. */
async function millisecondsOf(model: Model, { trial }: Space, { ctx }: StepEnv): Promise<number> {
  const { feeds } = trial.batches[0].samples[0]
  const [time] = await latencies([model], feeds, { runs: 30, budgetMs: 1000 }, ctx)
  return time.median
}

const wordsOf = ({ bytes, measured, loss }: Tried): string =>
  `${bytes} bytes: ${measured.sqnrDb.toFixed(1)} dB, ${loss.toFixed(2)} %`

const targetWords = ({ target, bytes, measured, loss, ms }: OnTarget): string =>
  ms === null
    ? `${target}: ${bytes} bytes, ${measured.sqnrDb.toFixed(1)} dB, ${loss.toFixed(2)} %`
    : `${target}: ${bytes} bytes, ${measured.sqnrDb.toFixed(1)} dB, ${loss.toFixed(2)} %, ${ms.toFixed(2)} ms`

function foundOf(chosen: Candidate, tried: readonly Candidate[], space: Space): Found {
  const plain = ({ cost, bytes, predicted, measured, loss }: Candidate): Tried => ({
    cost,
    bytes,
    predicted,
    measured,
    loss,
  })
  const others = paretoFront(tried.map(t => ({ ...t, error: noiseShare(t.measured.sqnrDb) })))
  const shown = tried.filter(t => t === chosen || others.some(o => o.point === t.point))
  return {
    quantize: chosen.quantize,
    chosen: plain(chosen),
    tried: shown.sort((a, b) => a.cost - b.cost).map(plain),
    judgedOn: space.judgedOn,
    sensitivity: space.sensitivity as Found['sensitivity'],
    notes: [
      `The search tried ${tried.length} candidates. Of the one it took, ${chosen.predicted.sqnrDb.toFixed(1)} dB were predicted and ${chosen.measured.sqnrDb.toFixed(1)} dB measured; ${chosen.loss.toFixed(2)} % of the answers over ${space.judgedOn} samples that it was not made from are others.`,
      ...(chosen.onTargets.length > 1
        ? [`Judged by the worst of its targets: ${chosen.onTargets.map(targetWords).join('; ')}.`]
        : []),
    ],
  }
}
