// manifest.json: what a bundle is. Its shape is a contract; see docs/formats.md.
import type { ImageInput } from '../data/input-spec.ts'
import type { Edge } from '../exporters/types.ts'
import type { Dim, Value } from '../ir/model.ts'
import type { Accuracy, Agreement } from './report.ts'

export interface ManifestTensor {
  name: string
  shape: readonly Dim[] | null
  dtype: string | null
  layout: 'NCHW' | 'NHWC' | null
  targetName: string
  targetShape: readonly Dim[] | null
  targetLayout: 'NCHW' | 'NHWC' | null
  targetDtype: string | null
  scale: number | null
  zeroPoint: number | null
}

export interface Manifest {
  thimble: 1
  target: string
  form: string | null
  targetVersion: string
  batch: number
  files: Record<string, string>
  sha256: Record<string, string>
  inputs: (ManifestTensor & { preprocess: ImageInput | null })[]
  outputs: ManifestTensor[]
  precision: { weights: string; activations: string }
  accuracy: Accuracy | null
  agreement: Agreement | null
  ranOnItsRuntime: boolean
  notes: string[]
}

/** `source` in the imported model, `held` in the bundle's graph, `edge` in its file where that differs. */
export function manifestTensor(
  source: Value,
  held: Value | null,
  layout: 'NCHW' | 'NHWC' | null,
  edge?: Edge,
): ManifestTensor {
  const to = held ?? source
  return {
    name: source.name,
    shape: source.shape,
    dtype: source.dtype,
    // Where nobody says what the axes are, and the file has them as the source has, they are what the file takes them for.
    layout:
      layout ??
      (edge && edge.shape.join() === source.shape?.map((d, i) => (typeof d === 'number' ? d : edge.shape[i])).join()
        ? edge.layout
        : null),
    targetName: edge?.name ?? to.name,
    targetShape: edge?.shape ?? to.shape,
    targetLayout: edge ? edge.layout : layout,
    targetDtype: edge?.dtype ?? to.dtype,
    scale: edge?.scale ?? null,
    zeroPoint: edge?.zeroPoint ?? null,
  }
}
