// TensorFlow Lite metadata: a FlatBuffer (identifier M001) in a buffer of the model that says what its inputs and outputs are, and files
// zipped behind the model.
// Read from tensorflow/tflite-support: tensorflow_lite_support/metadata/metadata_schema.fbs.
import {
  number,
  type PartOf,
  type RecordOf,
  readFlatBuffer,
  skip,
  table,
  tables,
  text,
  union,
  vector,
  writeFlatBuffer,
} from './flatbuffer.ts'

/** The name under which a model lists it. */
export const metadataName = 'TFLITE_METADATA'

export const colorSpaces = { unknown: 0, RGB: 1, GRAY: 2 } as const
export const fileTypes = { axisLabels: 2 } as const

const reals = vector('float32')
const uint = number('uint32')
const byte = number('int8')

const content = {
  contentProperties: union(['FeatureProperties', 'ImageProperties', 'BoundingBoxProperties', 'AudioProperties'], {
    FeatureProperties: {},
    ImageProperties: { colorSpace: byte, defaultSize: table({ width: uint, height: uint }) },
  }),
} as const

/** normalised = (pixel - mean) / std */
const processUnit = {
  options: union(['NormalizationOptions'], { NormalizationOptions: { mean: reals, std: reals } }),
} as const

const associatedFile = { name: text, description: text, type: byte } as const

const tensor = {
  name: text,
  description: text,
  dimensionNames: skip,
  content: table(content),
  processUnits: tables(processUnit),
  stats: table({ max: reals, min: reals }),
  associatedFiles: tables(associatedFile),
} as const

const subgraph = {
  name: text,
  description: text,
  inputTensorMetadata: tables(tensor),
  outputTensorMetadata: tables(tensor),
} as const

const model = {
  name: text,
  description: text,
  version: text,
  subgraphMetadata: tables(subgraph),
  author: text,
  license: text,
  associatedFiles: tables(associatedFile),
  minParserVersion: text,
} as const

export type TensorMetadata = PartOf<typeof tensor>

export const writeMetadata = (metadata: PartOf<typeof model>): Uint8Array => writeFlatBuffer(metadata, model, 'M001')
export const readMetadata = (bytes: Uint8Array): RecordOf<typeof model> => readFlatBuffer(bytes, model, metadataName)
