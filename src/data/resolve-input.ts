// An input spec laid on a model: '*' and named entries merged, defaults filled in, sizes taken from and held against the model.
import type { DType } from '../base/dtype.ts'
import { StudioError } from '../base/errors.ts'
import { type Dim, type Model, requiredInputs, type ValueName } from '../ir/model.ts'
import type { ImageInput, ImageInputSpec, InputSpec, ResizeSpec } from './input-spec.ts'

/** Where a picture goes in a model: its sizes where they are fixed. */
export interface ImageSlot {
  readonly name: ValueName
  readonly dtype: DType
  readonly layout: 'NCHW' | 'NHWC'
  readonly batched: boolean // has an axis for the batch
  readonly channels: number | null
  readonly height: number | null
  readonly width: number | null
}

const known = (dim: Dim): number | null => (typeof dim === 'number' && dim > 0 ? dim : null)

/** The slot that an input is for pictures of this layout; null where its rank is not that of an image. */
export function imageSlot(model: Model, name: ValueName, layout: 'NCHW' | 'NHWC'): ImageSlot | null {
  const value = model.graph.values.get(name)
  if (!value?.shape || value.shape.length < 3 || value.shape.length > 4 || value.dtype === null) return null
  const batched = value.shape.length === 4
  const dims = (batched ? value.shape.slice(1) : value.shape).map(known)
  const [channels, height, width] = layout === 'NCHW' ? dims : [dims[2], dims[0], dims[1]]
  return { name, dtype: value.dtype, layout, batched, channels, height, width }
}

/** The layout that an input's shape speaks for; null where it is no image, or could be either. */
export function layoutOf(model: Model, name: ValueName): 'NCHW' | 'NHWC' | null {
  const fits = (['NCHW', 'NHWC'] as const).filter(layout => {
    const slot = imageSlot(model, name, layout)
    return slot !== null && (slot.channels === 1 || slot.channels === 3)
  })
  return fits.length === 1 ? fits[0] : null
}

/** Shape as people read it: [N, 3, 32, 32]. */
export const shapeText = (shape: readonly Dim[] | null | undefined): string =>
  shape ? `[${shape.map(d => d ?? '?').join(', ')}]` : '[?]'

/** The full image input of each model input that the spec is about. */
export function resolveInput(spec: InputSpec, model: Model): Record<ValueName, ImageInput> {
  const names = requiredInputs(model.graph)
  for (const name of Object.keys(spec.inputs)) {
    if (name !== '*' && !names.includes(name))
      throw new StudioError('usage', `The input spec speaks of '${name}', which is no input of the model.`, {
        where: { value: name },
        hint: `The model's inputs: ${names.join(', ')}.`,
      })
  }
  const resolved: Record<ValueName, ImageInput> = {}
  for (const name of names) {
    const named = spec.inputs[name]
    if (named === undefined && (spec.inputs['*'] === undefined || !isImageRank(model, name))) continue
    const common = spec.inputs['*']
    const resize = common?.resize || named?.resize ? { ...common?.resize, ...named?.resize } : undefined
    resolved[name] = resolveOne(model, name, { ...common, ...named, resize })
  }
  return resolved
}

/** '*' means inputs with a batch of pictures; one of rank 3 may be text or sound and has to be named. */
const isImageRank = (model: Model, name: ValueName): boolean => model.graph.values.get(name)?.shape?.length === 4

function resolveOne(model: Model, name: ValueName, given: ImageInputSpec): ImageInput {
  const shape = shapeText(model.graph.values.get(name)?.shape)
  const refuse = (what: string, hint: string): StudioError =>
    new StudioError('usage', `Input '${name}' of shape ${shape}: ${what}.`, { where: { value: name }, hint })
  const layout = given.layout ?? layoutOf(model, name) ?? 'NCHW'
  const slot = imageSlot(model, name, layout)
  if (slot === null)
    throw refuse('not the shape of an image', 'Feed it from an .npz instead, or leave it out of the spec.')
  const color = given.color ?? (slot.channels === 1 ? 'GRAY' : 'RGB')
  const channels = color === 'GRAY' ? 1 : 3
  if (slot.channels !== null && slot.channels !== channels)
    throw refuse(
      `the spec says ${layout} and ${color}, that is ${channels} channel${channels > 1 ? 's' : ''}, the model has ${slot.channels}`,
      `Set layout and color of this input to what the model wants.`,
    )
  const spread = (values: readonly number[] | undefined, fallback: number, key: string): number[] => {
    if (values === undefined) return new Array(channels).fill(fallback)
    if (values.length === channels) return [...values]
    if (values.length === 1) return new Array(channels).fill(values[0])
    throw refuse(
      `${key} has ${values.length} numbers for ${channels} channels`,
      `Give ${channels} numbers, or one for all.`,
    )
  }
  return {
    layout,
    color,
    ...resizeOf(slot, given.resize, refuse),
    scale: given.scale ?? 1,
    mean: spread(given.mean, 0, 'mean'),
    std: spread(given.std, 1, 'std'),
    pad: given.pad ?? 0,
  }
}

function resizeOf(
  slot: ImageSlot,
  given: Partial<ResizeSpec> | undefined,
  refuse: (what: string, hint: string) => StudioError,
): { resize?: ResizeSpec } {
  if (given === undefined) return {}
  const fit = given.fit ?? 'exact'
  const size = given.size ?? (slot.height !== null ? [slot.height, slot.width ?? 1] : null)
  if (size === null || (slot.width === null && given.size === undefined && fit !== 'height'))
    throw refuse('the spec resizes without saying to what size', 'Add "size": [height, width] to resize.')
  const max = given.max ?? (fit === 'height' ? (slot.width ?? undefined) : undefined)
  const width = fit === 'height' ? (max ?? null) : size[1]
  const height = size[0]
  if ((slot.height ?? height) !== height || (width !== null && (slot.width ?? width) !== width))
    throw refuse(
      `the spec resizes to ${height} x ${width ?? 'any'}`,
      `The model wants ${slot.height ?? 'any'} x ${slot.width ?? 'any'} (height x width).`,
    )
  return {
    resize: {
      fit,
      size: [size[0], size[1]],
      ...(max === undefined ? {} : { max }),
      filter: given.filter ?? 'bilinear',
      like: given.like ?? 'pil',
    },
  }
}
