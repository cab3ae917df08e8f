// The option `rawInput` of `quantize`: image inputs that take pixels, their normalisation folded into the first layers.
import { StudioError } from '../../base/errors.ts'
import { resolveInput } from '../../data/resolve-input.ts'
import type { Model } from '../../ir/model.ts'
import { infer } from '../../ops/infer.ts'
import { type RawInput, rawInput } from '../../stages/quantize/raw-input.ts'
import type { StepEnv } from '../state.ts'

/** The model with the normalisation of its image inputs in their first layers, where that can be. */
export async function takingPixels(
  given: Model,
  env: StepEnv,
): Promise<{ model: Model; raws: RawInput[]; notes: string[] }> {
  const specs = Object.entries(resolveInput(env.input, given))
  if (specs.length === 0)
    throw new StudioError('bad-recipe', 'rawInput needs to know how pixels become what the model is fed', {
      where: { step: 'quantize' },
      hint: 'Give an input spec with --input, or leave rawInput out.',
    })
  let model = given
  const raws: RawInput[] = []
  const notes: string[] = []
  for (const [name, { layout, scale, mean, std }] of specs) {
    const rank = model.graph.values.get(name)!.shape!.length
    const axis = layout === 'NCHW' ? rank - 3 : rank - 1
    const folded = await rawInput(model, name, { axis, scale, mean, std }, env.ctx.bytes)
    if ('why' in folded) notes.push(`The input ${name} is fed as before, not as pixels: ${folded.why}.`)
    else {
      model = infer(folded.model)
      raws.push(folded.raw)
    }
  }
  return { model, raws, notes }
}
