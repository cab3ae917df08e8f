// What a recipe may ask of every step that trains, and what such a step writes down once the time is up.
import { choice, flag, number, type OptionValues, several } from '../../base/options.ts'
import { augmentations } from '../../stages/train/augment.ts'
import type { LoopOptions } from '../../stages/train/loop.ts'
import { optimizers } from '../../stages/train/optimizers.ts'
import { schedules } from '../../stages/train/schedule.ts'
import { normalizations } from '../../stages/train/trainee.ts'

export const trainingOptions = (rate: number) => ({
  minutes: number('Minutes', { default: 20, min: 0.05, max: 6000, step: 0.05 }),
  steps: number('Steps (0: as many as fit into the minutes)', { default: 0, min: 0, max: 10_000_000 }),
  until: number('Stop after the step (0: after the last)', { default: 0, min: 0, max: 10_000_000 }),
  batch: number('Samples a step', { default: 32, min: 1, max: 1024 }),
  rate: number('Highest learning rate (of Adam: relative to the size of the weights)', {
    default: rate,
    min: 0,
    max: 10,
    step: 0.00001,
  }),
  schedule: choice('Course of the learning rate', schedules, 'cosine'),
  warmup: number('Steps up to the highest rate', { default: 20, min: 0, max: 100_000 }),
  hold: number('Steps before the rate falls', { default: 0, min: 0, max: 10_000_000 }),
  optimizer: choice('Optimiser', optimizers, 'adamw'),
  momentum: number('Momentum of SGD', { default: 0.9, min: 0, max: 1, step: 0.001 }),
  decay: number('Weight decay', { default: 0, min: 0, max: 1, step: 0.00001 }),
  clip: number('Largest norm of the gradients (0: any)', { default: 0, min: 0, max: 1_000_000, step: 0.01 }),
  average: number('Decay of the mean of the weights that is kept (0: they themselves)', {
    default: 0.995,
    min: 0,
    max: 0.9999,
    step: 0.0001,
  }),
  augment: several('Changes of images', augmentations, []),
  held: number('Share held out', { default: 0.1, min: 0.01, max: 0.5, step: 0.01 }),
  every: number('Steps between judgements', { default: 50, min: 1, max: 100_000 }),
  patience: number('Judgements without gain before it ends (0: any)', { default: 0, min: 0, max: 100_000 }),
  optional: flag('Left out where it cannot be done', false),
})
export type TrainingOptions = OptionValues<ReturnType<typeof trainingOptions>>

/** Of steps that train floats. */
export const normalization = choice('Moments that BatchNormalization goes by while training', normalizations, 'batch')

/** Of steps that ask a teacher, who then knows after a while all that will be asked. */
export const views = number('Versions of each changed sample (0: a new one each time)', {
  default: 0,
  min: 0,
  max: 1000,
})

export const loopOptions = (o: TrainingOptions): LoopOptions => ({
  steps: o.steps > 0 ? o.steps : null,
  until: o.until > 0 ? o.until : null,
  seconds: 60 * o.minutes,
  warmup: o.warmup,
  hold: o.hold,
  rate: o.rate,
  schedule: o.schedule,
  optimizer: o.optimizer,
  momentum: o.momentum,
  decay: o.decay,
  clip: o.clip,
  average: o.average,
  every: o.every,
  patience: o.patience,
})
