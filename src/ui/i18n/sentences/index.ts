// The engine's own sentences in Chinese, one file per origin. Loaded only where the page speaks Chinese.

import { ambarella } from './ambarella.ts'
import { c } from './c.ts'
import { charts } from './charts.ts'
import { compiled } from './compiled.ts'
import { composed } from './composed.ts'
import { coreml } from './coreml.ts'
import { data } from './data.ts'
import { files } from './files.ts'
import { graph } from './graph.ts'
import { host } from './host.ts'
import { layerFormats } from './layer-formats.ts'
import { layers } from './layers.ts'
import { mnn } from './mnn.ts'
import { openvino } from './openvino.ts'
import { paddle } from './paddle.ts'
import { passes } from './passes.ts'
import { projects } from './projects.ts'
import { prune } from './prune.ts'
import { quantize } from './quantize.ts'
import { ranges } from './ranges.ts'
import { recipe } from './recipe.ts'
import { reduce } from './reduce.ts'
import { search } from './search.ts'
import { simulate } from './simulate.ts'
import { tasks } from './tasks.ts'
import { tflite } from './tflite.ts'
import { training } from './training.ts'
import { weights } from './weights.ts'

/** Each of them is one string or template of a source file. */
export const plain = [
  ...ambarella,
  ...compiled,
  ...c,
  ...coreml,
  ...data,
  ...files,
  ...graph,
  ...host,
  ...layers,
  ...layerFormats,
  ...mnn,
  ...openvino,
  ...paddle,
  ...passes,
  ...projects,
  ...prune,
  ...quantize,
  ...ranges,
  ...recipe,
  ...reduce,
  ...charts,
  ...search,
  ...simulate,
  ...tasks,
  ...tflite,
  ...training,
  ...weights,
]
export const sentences = [...plain, ...composed]
