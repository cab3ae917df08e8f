// What a .tflite file says of itself: how pictures are prepared for its inputs, and what the places of its outputs are called.
import { utf8 } from '../base/bytes.ts'
import { colorSpaces, fileTypes, type TensorMetadata, writeMetadata } from '../formats/tflite-metadata-schema.ts'
import { type Model, requiredInputs, type ValueName } from '../ir/model.ts'
import { pictureInput } from './sample/native.ts'
import type { WriteOptions } from './types.ts'

export interface Described {
  metadata: Uint8Array
  /** What is zipped behind the model. */
  files: readonly { path: string; bytes: Uint8Array }[]
}

const labelFile = 'labels.txt'

/** Null where nothing is known that would be worth saying. */
export function describedBy(
  model: Model,
  { preprocess, name }: Pick<WriteOptions, 'preprocess' | 'name'>,
): Described | null {
  const { graph } = model
  const labels = labelsIn(model.meta)
  const inputs = requiredInputs(graph).map(input => inputMetadata(input, model, preprocess))
  const labelled = graph.outputs.map(
    output => labels !== null && Number(graph.values.get(output)?.shape?.at(-1)) === labels.length,
  )
  if (!inputs.some(({ content }) => content) && !labelled.some(Boolean)) return null
  const outputs = graph.outputs.map(
    (output, i): TensorMetadata => ({
      name: output,
      content: { contentProperties: { name: 'FeatureProperties', value: {} } },
      ...(labelled[i]
        ? {
            associatedFiles: [
              { name: labelFile, description: 'What each place stands for.', type: fileTypes.axisLabels },
            ],
          }
        : {}),
    }),
  )
  const metadata = writeMetadata({
    name,
    subgraphMetadata: [{ inputTensorMetadata: inputs, outputTensorMetadata: outputs }],
    minParserVersion: '1.0.0',
  })
  const files = labelled.some(Boolean) ? [{ path: labelFile, bytes: utf8(`${labels!.join('\n')}\n`) }] : []
  return { metadata, files }
}

/** value = (pixel * scale - mean) / std = (pixel - mean / scale) / (std / scale), as the schema has it. */
function inputMetadata(name: ValueName, { graph }: Model, preprocess: WriteOptions['preprocess']): TensorMetadata {
  const picture = pictureInput(preprocess[name] ?? null, graph.values.get(name)?.shape ?? [])
  if (!picture) return { name }
  const { spec, width, height } = picture
  const { scale, mean, std, color } = spec
  const at = (pixel: number): number[] => mean.map((m, c) => (pixel * scale - m) / std[c % std.length])
  const properties = {
    colorSpace: color === 'BGR' ? colorSpaces.unknown : colorSpaces[color],
    defaultSize: { width, height },
  }
  const normalization = { mean: mean.map(m => m / scale), std: std.map(s => s / scale) }
  return {
    name,
    description: `A picture, channels in the order ${color}.`,
    content: { contentProperties: { name: 'ImageProperties', value: properties } },
    processUnits: [{ options: { name: 'NormalizationOptions', value: normalization } }],
    stats: { max: at(255), min: at(0) },
  }
}

/** Names of classes that a model brings along: Ultralytics writes `names` as a Python dictionary, others have a JSON list or lines. */
export function labelsIn(meta: Readonly<Record<string, string>>): string[] | null {
  const text = meta.names ?? meta.labels ?? meta.classes
  if (text === undefined) return null
  const entries = [...text.matchAll(/(\d+)\s*:\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")/g)]
  if (/^\s*\{/.test(text)) {
    const labels = entries.map(([, , single, double]) => (single ?? double).replace(/\\(.)/g, '$1'))
    return entries.every(([, place], i) => Number(place) === i) && labels.length > 0 ? labels : null
  }
  if (/^\s*\[/.test(text)) {
    const list = jsonOf(text)
    return Array.isArray(list) && list.every(label => typeof label === 'string') ? list : null
  }
  return text.replace(/\n$/, '').split('\n')
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (thrown) {
    // Some list that is no JSON, and says nothing then.
    if (thrown instanceof SyntaxError) return null
    throw thrown
  }
}
