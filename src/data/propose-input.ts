// An input spec proposed from the model alone: what its shape, types, metadata and first weights tell, and what is merely usual.
// Every assumption is said in `notes`, for a person to confirm or change.
import { viewAs } from '../base/dtype.ts'
import { type Model, type Node, requiredInputs, type ValueName } from '../ir/model.ts'
import type { ImageInputSpec, InputSpec } from './input-spec.ts'
import { imageSlot, layoutOf, shapeText } from './resolve-input.ts'

export interface Proposal {
  spec: InputSpec
  notes: string[]
}

/** The spec that the model speaks for, where its inputs look like pictures. Arrays of floats are fed as they are, without it. */
export function proposeInput(model: Model): Proposal {
  const spec: InputSpec = { inputs: {} }
  const notes: string[] = []
  for (const name of requiredInputs(model.graph)) {
    const proposed = proposeOne(model, name)
    if (proposed === null) continue
    spec.inputs[name] = proposed.input
    notes.push(`Input '${name}' ${shapeText(model.graph.values.get(name)?.shape)}: ${proposed.notes.join('; ')}.`)
  }
  if (classes(model) === 1001) {
    spec.labelOffset = 1
    notes.push('1001 outputs: class 0 is taken for the background, so 1 is added to every label (assumed).')
  }
  return { spec, notes }
}

function proposeOne(model: Model, name: ValueName): { input: ImageInputSpec; notes: string[] } | null {
  const layout = layoutOf(model, name)
  const slot = layout && imageSlot(model, name, layout)
  // A picture of fewer than 16 rows or columns is more likely sound or a table.
  if (!slot || (slot.height ?? 16) < 16 || (slot.width ?? 16) < 16) return null
  const notes: string[] = []
  const ocr = model.meta.character !== undefined
  const grey = slot.channels === 1
  const color = grey ? 'GRAY' : ocr ? 'BGR' : 'RGB'
  notes.push(grey ? `${slot.layout}, grey` : `${slot.layout}, colours in the order ${color}${ocr ? '' : ' (assumed)'}`)

  const input: ImageInputSpec = { layout: slot.layout, color }
  if (ocr) {
    input.resize = { fit: 'height', size: [slot.height ?? 48, slot.width ?? 1], filter: 'bilinear', like: 'opencv' }
    input.pad = 127.5
    notes.push('a text recogniser by its "character" metadata: scaled to the height as PaddleOCR does')
  } else if (slot.height !== null && slot.width !== null) {
    input.resize = { fit: 'exact', size: [slot.height, slot.width], filter: 'bilinear', like: 'pil' }
    notes.push(`resized to ${slot.height} x ${slot.width}, bilinear as Pillow (assumed)`)
  } else notes.push('height and width are free: pictures keep their size')

  const { normalisation, why } = normalisationOf(model, name, slot.layout, color, ocr)
  return { input: { ...input, ...normalisation }, notes: [...notes, why] }
}

const third = (value: number): number[] => [value, value, value]

function normalisationOf(
  model: Model,
  name: ValueName,
  layout: 'NCHW' | 'NHWC',
  color: 'RGB' | 'BGR' | 'GRAY',
  ocr: boolean,
): { normalisation: ImageInputSpec; why: string } {
  const whole = color === 'GRAY' ? [1] : third(1)
  const half = whole.map(() => 0.5)
  if (model.graph.values.get(name)?.dtype === 'uint8')
    return { normalisation: { scale: 1 }, why: 'uint8: fed the pixels themselves' }
  if (model.graph.values.get(name)?.dtype === 'int8')
    return { normalisation: { scale: 1, mean: whole.map(() => 128) }, why: 'int8: pixels less 128 (assumed)' }
  if (ocr) return { normalisation: { scale: 1 / 255, mean: half, std: half }, why: '(x/255 - 0.5)/0.5 as PaddleOCR' }
  const wantsPixels = takesPixels(model, name)
  if (wantsPixels !== null)
    return { normalisation: { scale: 1 }, why: `pixels 0..255 as they are, since ${wantsPixels}` }
  if (color === 'GRAY') return { normalisation: { scale: 1 / 255 }, why: 'x/255 (assumed)' }
  const outputs = classes(model)
  if (layout === 'NHWC')
    return outputs === 1000 || outputs === 1001
      ? {
          normalisation: { scale: 1 / 127.5, mean: whole, std: whole },
          why: 'x/127.5 - 1, usual for TensorFlow (assumed)',
        }
      : { normalisation: { scale: 1 / 255 }, why: 'x/255 (assumed)' }
  if (outputs === null) return { normalisation: { scale: 1 / 255 }, why: 'x/255 (assumed)' }
  return {
    normalisation: { scale: 1 / 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
    why: '(x/255 - mean)/std with the ImageNet statistics, usual for PyTorch (assumed)',
  }
}

/** The number of classes of a model with one output of rank 2. */
function classes(model: Model): number | null {
  if (model.graph.outputs.length !== 1) return null
  const shape = model.graph.values.get(model.graph.outputs[0])?.shape
  const last = shape?.length === 2 ? shape[1] : null
  return typeof last === 'number' ? last : null
}

/** Why the model seems to want 0..255; null where nothing says so. */
function takesPixels(model: Model, name: ValueName): string | null {
  const users = (value: ValueName): Node[] => model.graph.nodes.filter(node => node.inputs.includes(value))
  let at = name
  for (;;) {
    const next = users(at)
    if (next.length !== 1) return null
    const [node] = next
    if (node.op === 'Sub' || node.op === 'Div' || node.op === 'Mul' || node.op === 'BatchNormalization')
      return `the model begins with ${node.op}, which looks like a normalisation of its own`
    const [output] = node.outputs
    if (output === null) return null
    if (node.op === 'Conv') {
      const normalised = users(output).some(user => user.op === 'BatchNormalization')
      const weights = node.inputs[1] === null ? null : model.graph.values.get(node.inputs[1])?.data
      if (normalised || !weights || !(weights.data instanceof Uint8Array) || weights.dtype !== 'float32') return null
      const values = viewAs('float32', weights.data) as Float32Array
      const rms = Math.sqrt(values.reduce((sum, w) => sum + w * w, 0) / values.length)
      // Weights that see inputs of about 1 have an rms of 0.03 to 1; those that see 0..255, about a hundredth.
      return rms < 0.02 ? `the weights of its first convolution are tiny (rms ${rms.toPrecision(2)})` : null
    }
    if (node.op !== 'Transpose' && node.op !== 'Cast' && node.op !== 'Identity' && node.op !== 'Pad') return null
    at = output
  }
}
