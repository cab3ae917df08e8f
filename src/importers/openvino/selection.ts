// Layers that pick, place and sort by index.
import { onnxCode } from '../../base/dtype.ts'
import { string } from '../../ir/model.ts'
import type { Layer, Lowering } from './layer.ts'
import { vector } from './layout.ts'

async function axisOf(layer: Layer, port: number): Promise<number> {
  const [axis] = await layer.must(port, 'axis')
  return axis ?? layer.refuse('it has no axis')
}

const gather: Lowering = async layer => {
  const axis = await axisOf(layer, 2)
  const rank = layer.dims(0).length
  const given = layer.number('batch_dims', 0)
  const batch = given < 0 ? given + layer.dims(1).length : given
  if (batch === 0) return layer.give('Gather', [layer.input(0), layer.input(1)], { axis })
  if ((axis < 0 ? axis + rank : axis) !== batch)
    layer.refuse(`its axis ${axis} does not follow its ${batch} batch axes`)
  const places = layer.node('Unsqueeze', [await layer.whole(1), layer.whole64([-1])])
  layer.give('GatherND', [layer.input(0), places], { batch_dims: batch })
}

const gatherNd: Lowering = async layer => {
  const batch = layer.number('batch_dims', 0)
  if (layer.version < 8 && batch > 1) layer.refuse('it joins its batch axes')
  layer.give('GatherND', [layer.input(0), await layer.whole(1)], { batch_dims: batch })
}

const reductions: Readonly<Record<string, string>> = { none: 'none', sum: 'add', prod: 'mul', min: 'min', max: 'max' }

function reductionOf(layer: Layer): string {
  const given = layer.text('reduction', 'none')
  if (!Object.hasOwn(reductions, given)) layer.refuse(`it joins by ${given}`)
  if (given !== 'none' && !layer.flag('use_init_val', true)) layer.refuse('it leaves the first values out')
  return reductions[given]
}

const scatterElements: Lowering = async layer => {
  const attributes = { axis: await axisOf(layer, 3), reduction: string(reductionOf(layer)) }
  layer.give('ScatterElements', [layer.input(0), layer.input(1), layer.input(2)], attributes)
}

const scatterNd: Lowering = async layer =>
  layer.give('ScatterND', [layer.input(0), await layer.whole(1), layer.input(2)], {
    reduction: string(reductionOf(layer)),
  })

/** Whole slices along an axis; ONNX places slices along the first. */
const scatterUpdate: Lowering = async layer => {
  if ((await axisOf(layer, 3)) !== 0) layer.refuse('it places along an axis that is not the first')
  const places = layer.node('Unsqueeze', [await layer.whole(1), layer.whole64([-1])])
  layer.give('ScatterND', [layer.input(0), places, layer.input(2)])
}

const oneHot: Lowering = layer => {
  const vectors = [3, 2].map(i => layer.node('Unsqueeze', [layer.input(i), layer.whole64([0])]))
  const values = layer.node('Concat', vectors, { axis: 0 })
  layer.give('OneHot', [layer.input(0), layer.input(1), values], { axis: layer.number('axis', -1) })
}

const nonMaxSuppression: Lowering = async layer => {
  if (layer.used(1) || layer.used(2)) layer.refuse('its scores or its count are used, which ONNX does not give')
  if (layer.flag('sort_result_descending', true)) layer.refuse('it sorts over all classes')
  if (layer.inputs > 5 && (await layer.must(5, 'sigma')).some(n => n !== 0)) layer.refuse('its suppression is soft')
  const limit = layer.inputs > 2 ? await vector(layer, 2) : layer.whole64([0])
  const thresholds: string[] = []
  for (const port of [3, 4])
    thresholds.push(
      layer.inputs > port ? layer.node('Reshape', [layer.input(port), layer.whole64([1])]) : layer.scalar(0),
    )
  const attributes = { center_point_box: layer.text('box_encoding', 'corner') === 'center' ? 1 : 0 }
  const reads = [layer.input(0), layer.input(1), limit, ...thresholds]
  if (layer.text('output_type', 'i64') === 'i64') return layer.giveAt(0, 'NonMaxSuppression', reads, attributes)
  layer.giveAt(0, 'Cast', [layer.node('NonMaxSuppression', reads, attributes)], { to: onnxCode('int32') })
}

export const selection: Readonly<Record<string, Lowering>> = {
  Gather: gather,
  GatherElements: layer =>
    layer.give('GatherElements', [layer.input(0), layer.input(1)], { axis: layer.number('axis', 0) }),
  GatherND: gatherNd,
  NonMaxSuppression: nonMaxSuppression,
  NonZero: layer => {
    if (layer.text('output_type', 'i64') === 'i64') return layer.give('NonZero', [layer.input(0)])
    layer.give('Cast', [layer.node('NonZero', [layer.input(0)])], { to: onnxCode('int32') })
  },
  OneHot: oneHot,
  ReverseSequence: async layer => {
    const time = layer.number('seq_axis', 1)
    const batch = layer.number('batch_axis', 0)
    layer.give('ReverseSequence', [layer.input(0), await layer.whole(1)], { time_axis: time, batch_axis: batch })
  },
  ScatterElementsUpdate: scatterElements,
  ScatterNDUpdate: scatterNd,
  ScatterUpdate: scatterUpdate,
}
