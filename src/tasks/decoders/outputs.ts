// What decoders ask of a model, and how they read a box or a score.
import { StudioError } from '../../base/errors.ts'
import { exp, log, sigmoid } from '../../base/math.ts'
import type { Model, ValueName } from '../../ir/model.ts'
import { pictureSize, shapedOutputs } from '../outputs.ts'
import type { FoundBox } from '../types.ts'
import type { DetectSettings } from './types.ts'

export function sizeOr(model: Model, settings: Pick<DetectSettings, 'units'>): { height: number; width: number } {
  if (settings.units === 'fractions') return { height: 1, width: 1 }
  const size = pictureSize(model)
  if (size) return size
  throw new StudioError('usage', 'The boxes are in pixels, but the size of the model\u2019s input is open.', {
    hint: 'Fix it with --shape NAME=1,3,height,width, or say "units": "fractions" in the task of the input spec.',
  })
}

/** The output that a setting names. */
export function named(
  model: Model,
  settings: DetectSettings,
  role: 'boxes' | 'scores' | 'classes' | 'sizes',
): ValueName {
  const name = settings[role]
  if (name !== null && model.graph.outputs.includes(name)) return name
  throw new StudioError(
    'usage',
    name === null
      ? `The decoder ${settings.decoder} has to be told which output is "${role}".`
      : `The task reads output '${name}', which the model does not give.`,
    {
      where: name === null ? {} : { value: name },
      hint: `Name it in the task of the input spec. The model's outputs: ${model.graph.outputs.join(', ')}.`,
    },
  )
}

/** The declared sizes of an output behind its batch; a decoder needs them to know what is where. */
export function dimsOf(model: Model, name: ValueName, wanted: string): readonly number[] {
  const found = shapedOutputs(model).find(output => output.name === name)
  if (found) return found.dims
  throw new StudioError('usage', `Output '${name}' is of no fixed shape, where ${wanted} is wanted.`, {
    where: { value: name },
    hint: 'Fix the shape of the input with --shape, or choose another decoder in the task of the input spec.',
  })
}

export const misshapen = (name: ValueName, dims: readonly number[], wanted: string): StudioError =>
  new StudioError('usage', `Output '${name}' is of the shape [1, ${dims.join(', ')}], where ${wanted} is wanted.`, {
    where: { value: name },
    hint: 'Choose another decoder or output in the task of the input spec.',
  })

/** Scores of one row of `count` classes from `start`, after the activation. */
export function activated(
  values: ArrayLike<number>,
  start: number,
  count: number,
  activation: DetectSettings['activation'],
): ArrayLike<number> {
  const row = Array.from({ length: count }, (_, c) => values[start + c])
  if (activation === 'none') return row
  if (activation === 'sigmoid') return row.map(sigmoid)
  const most = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
  const powers = row.map(value => exp(value - most))
  const sum = powers.reduce((a, b) => a + b, 0)
  return powers.map(value => value / sum)
}

/** What a number must be before the activation for a score of `least`; a softmax needs its whole row. */
export function rawLeast(activation: DetectSettings['activation'], least: number): number {
  if (activation === 'none') return least
  return activation === 'sigmoid' && least < 1 ? log(least / (1 - least)) : Number.NEGATIVE_INFINITY
}

/** Every class but the background that a row scores `least` or more, counted without the background. */
export function* classesFrom(
  scores: ArrayLike<number>,
  background: number,
  least: number,
): Generator<{ class: number; score: number }> {
  for (let c = 0; c < scores.length; c++)
    if (c !== background && scores[c] >= least)
      yield { class: background >= 0 && c > background ? c - 1 : c, score: scores[c] }
}

export const fromCorners = (left: number, top: number, right: number, bottom: number) => ({
  x: left,
  y: top,
  width: right - left,
  height: bottom - top,
})

export const fromCenter = (x: number, y: number, width: number, height: number) => ({
  x: x - width / 2,
  y: y - height / 2,
  width,
  height,
})

/** A box of damaged numbers is none. */
export const sound = (box: FoundBox): boolean =>
  Number.isFinite(box.x + box.y + box.width + box.height + box.score) && box.width > 0 && box.height > 0
