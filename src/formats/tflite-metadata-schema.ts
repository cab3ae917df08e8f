// TensorFlow Lite metadata: a FlatBuffer (identifier M001) in a buffer of the model that says what its inputs and outputs are, and files
// zipped behind the model.
// Read from tensorflow/tflite-support: tensorflow_lite_support/metadata/metadata_schema.fbs.
import { type FlatRecord, readFlat, type Schema, writeFlat } from './flat-tables.ts'

/** The name under which a model lists it. */
export const metadataName = 'TFLITE_METADATA'

export interface ModelMetadata extends FlatRecord {
  readonly name?: string
  readonly description?: string
  readonly subgraphMetadata?: readonly SubgraphMetadata[]
  readonly minParserVersion?: string
}
export interface SubgraphMetadata extends FlatRecord {
  readonly inputTensorMetadata?: readonly TensorMetadata[]
  readonly outputTensorMetadata?: readonly TensorMetadata[]
}
export interface TensorMetadata extends FlatRecord {
  readonly name?: string
  readonly description?: string
  readonly content?: FlatRecord
  readonly processUnits?: readonly FlatRecord[]
  readonly stats?: { readonly max: readonly number[]; readonly min: readonly number[] }
  readonly associatedFiles?: readonly { readonly name: string; readonly description?: string; readonly type: number }[]
}

export const colorSpaces = { unknown: 0, RGB: 1, GRAY: 2 } as const
export const fileTypes = { axisLabels: 2 } as const

const contents = ['NONE', 'FeatureProperties', 'ImageProperties', 'BoundingBoxProperties', 'AudioProperties']
const processes = ['NONE', 'NormalizationOptions']

const schema: Schema = {
  tables: {
    ModelMetadata:
      'name:string description:string version:string subgraphMetadata:[SubgraphMetadata] author:string license:string associatedFiles:[AssociatedFile] minParserVersion:string',
    SubgraphMetadata:
      'name:string description:string inputTensorMetadata:[TensorMetadata] outputTensorMetadata:[TensorMetadata]',
    TensorMetadata:
      'name:string description:string - content:Content processUnits:[ProcessUnit] stats:Stats associatedFiles:[AssociatedFile]',
    Content: 'contentPropertiesType:ubyte contentProperties:<Contents>',
    FeatureProperties: '',
    ImageProperties: 'colorSpace:byte defaultSize:ImageSize',
    BoundingBoxProperties: '',
    AudioProperties: '',
    ImageSize: 'width:uint height:uint',
    ProcessUnit: 'optionsType:ubyte options:<Processes>',
    NormalizationOptions: 'mean:[float] std:[float]',
    Stats: 'max:[float] min:[float]',
    AssociatedFile: 'name:string description:string type:byte locale:string version:string',
  },
  unions: { Contents: contents, Processes: processes },
}

/** What a tensor is, as a record of the schema. */
export const contentOf = (kind: 'FeatureProperties' | 'ImageProperties', properties: FlatRecord = {}): FlatRecord => ({
  contentPropertiesType: contents.indexOf(kind),
  contentProperties: properties,
})

/** normalised = (pixel - mean) / std. */
export const normalization = (mean: readonly number[], std: readonly number[]): FlatRecord => ({
  optionsType: processes.indexOf('NormalizationOptions'),
  options: { mean, std },
})

export const writeMetadata = (metadata: ModelMetadata): Uint8Array =>
  writeFlat(metadata, schema, 'ModelMetadata', 'M001')
export const readMetadata = (bytes: Uint8Array): ModelMetadata =>
  readFlat(bytes, schema, 'ModelMetadata') as ModelMetadata
