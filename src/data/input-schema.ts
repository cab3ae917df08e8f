// The JSON form of an input spec: what may stand in it, and the word on what may not.
import * as v from 'valibot'
import { StudioError } from '../base/errors.ts'
import { describeIssue } from '../base/issues.ts'
import type { InputSpec, TaskSpec } from './input-spec.ts'

const positive = v.pipe(v.number(), v.integer(), v.minValue(1))
const perChannel = v.pipe(v.array(v.pipe(v.number(), v.finite())), v.minLength(1), v.maxLength(4))

const imageInputSchema = v.strictObject({
  layout: v.optional(v.picklist(['NCHW', 'NHWC'])),
  color: v.optional(v.picklist(['RGB', 'BGR', 'GRAY'])),
  resize: v.optional(
    v.strictObject({
      fit: v.optional(v.picklist(['exact', 'cover', 'letterbox', 'height'])),
      size: v.optional(v.tuple([positive, positive])),
      max: v.optional(positive),
      filter: v.optional(v.picklist(['bilinear', 'bicubic', 'area', 'nearest'])),
      like: v.optional(v.picklist(['pil', 'opencv'])),
    }),
  ),
  scale: v.optional(v.pipe(v.number(), v.finite())),
  mean: v.optional(perChannel),
  std: v.optional(
    v.pipe(
      perChannel,
      v.check(std => std.every(s => s !== 0), 'std must not be 0'),
    ),
  ),
  pad: v.optional(v.pipe(v.number(), v.finite())),
})

/** The JSON form of an input spec; unknown keys are errors. */
export const inputSpecSchema: v.GenericSchema<unknown, InputSpec> = v.strictObject({
  inputs: v.record(v.string(), imageInputSchema),
  labelOffset: v.optional(v.pipe(v.number(), v.integer())),
  task: v.optional(
    v.looseObject({ kind: v.picklist(['classify', 'ctc', 'detect', 'segment', 'embed']) }),
  ) as v.GenericSchema<unknown, TaskSpec | undefined>,
}) as v.GenericSchema<unknown, InputSpec>

/** A spec out of parsed JSON; what is wrong is named by its place. */
export function checkInput(json: unknown, file?: string): InputSpec {
  const result = v.safeParse(inputSpecSchema, json)
  if (result.success) return result.output
  throw new StudioError('usage', `The input spec is wrong: ${describeIssue(result.issues[0], inputSpecSchema)}.`, {
    where: file === undefined ? {} : { file },
    hint: 'Known keys: inputs.NAME.{layout, color, resize, scale, mean, std, pad}, labelOffset and task.',
  })
}
