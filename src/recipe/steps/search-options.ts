// What a recipe may ask of the step `search`, and what the step writes down once it has decided.
import * as v from 'valibot'
import { choice, defaultsOf, number, type OptionValues, schemaOf, value } from '../../base/options.ts'
import { type FormatName, formatNames, numberFormat } from '../../ir/format-names.ts'
import { bitsOfNumber } from '../../ir/number-format.ts'
import type { State } from '../state.ts'
import { type QuantizeOptions, options as quantizeOptions } from './quantize-options.ts'

const above = v.pipe(v.number(), v.minValue(0))
const keepSchema = v.union([
  v.strictObject({ loss: above }),
  v.strictObject({ bytes: above }),
  v.strictObject({ latencyMs: above }),
  v.strictObject({ bits: above }),
])

/**
 * What is not to be exceeded: points lost, bytes of the model files, milliseconds a run here, or bits a weight on average (as information:
 * a file may spend more, since it has no type of six bits).
 */
export type Keep = { loss?: number; bytes?: number; latencyMs?: number; bits?: number }

const quantizeSchema = v.strictObject(
  Object.fromEntries(Object.entries(quantizeOptions).map(([key, option]) => [key, v.optional(schemaOf(option))])),
) as unknown as v.GenericSchema<unknown, Partial<QuantizeOptions>>

/** How close a candidate came to the float model. */
const figuresSchema = v.strictObject({ sqnrDb: v.number(), kl: v.nullable(v.number()) })
const triedSchema = v.strictObject({
  cost: v.number(),
  bytes: v.number(),
  predicted: figuresSchema,
  measured: figuresSchema,
  loss: v.number(),
})
const foundSchema = v.strictObject({
  quantize: quantizeSchema,
  chosen: triedSchema,
  tried: v.array(triedSchema),
  judgedOn: v.number(),
  sensitivity: v.record(v.string(), v.record(v.string(), figuresSchema)),
  notes: v.array(v.string()),
})
export type Figures = v.InferOutput<typeof figuresSchema>
export type Tried = v.InferOutput<typeof triedSchema>
export type Found = v.InferOutput<typeof foundSchema>

export const options = {
  keep: value('Not to be exceeded', keepSchema as v.GenericSchema<unknown, Keep>, { loss: 0.5 } as Keep),
  formats: value('Formats to choose from', v.pipe(v.array(v.picklist(formatNames)), v.minLength(1)), [
    'int4',
    'int8',
    'float32',
  ] as (typeof formatNames)[number][]),
  only: value('Layers that it chooses for', v.array(v.string()), [] as string[]),
  minutes: number('Minutes', { default: 3, min: 0.1, max: 600, step: 0.1 }),
  score: choice('Error that is kept low', ['auto', 'sqnr', 'kl'], 'auto'),
  samples: number('Samples for sensitivity', { default: 128, min: 1, max: 1024 }),
  quantize: value('How it quantises', quantizeSchema, {} as Partial<QuantizeOptions>),
  found: value('Decision', v.nullable(foundSchema), null as Found | null),
}
export type SearchOptions = OptionValues<typeof options>

export const bitsOf = (name: FormatName): number => {
  const format = numberFormat(name, true)
  return format ? bitsOfNumber(format) : 32
}

/** What is the same for all candidates: what the recipe says here, else what a step `quantize` before said. */
export function baseOf(o: SearchOptions, before: State['steps']): QuantizeOptions {
  const { do: _, ...earlier } = before.findLast(s => s.do === 'quantize') ?? { do: '' }
  // Few bits are of little use without a refit; many can do without, and it is most of a candidate's time.
  const few = o.formats.some(name => bitsOf(name) < 7)
  const own = { ...defaultsOf(quantizeOptions), repairs: few ? ['refit'] : [] }
  return { ...own, ...earlier, ...o.quantize } as QuantizeOptions
}
