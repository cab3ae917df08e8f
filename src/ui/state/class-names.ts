// Classes by name: as the labelled samples name them, else as the model's own metadata do, else by number.
import type { ProjectView } from '../../../workers/api.ts'

/** Ultralytics writes its names as Python shows a dict: {0: 'person', 1: 'traffic light'}. */
export function namesInMetadata(text: string | undefined): ReadonlyMap<number, string> {
  return new Map(
    [...(text ?? '').matchAll(/(\d+)\s*:\s*(['"])(.*?)\2\s*[,}]/g)].map(
      ([, id, , name]) => [Number(id), name] as const,
    ),
  )
}

export interface ClassNames {
  /** Of a class by its place among the model's outputs. */
  ofAnswer(id: number): string
  /** Of a class by the number that the labels have for it, which may be some away from that. */
  ofLabel(id: number): string
}

export function classNames(project: ProjectView | null): ClassNames {
  const labelled = project?.evaluation?.classes ?? project?.calibration?.classes
  const offset = project?.input.labelOffset ?? 0
  const own = namesInMetadata(project?.model.metadata.names)
  return {
    ofAnswer: id => labelled?.[id - offset] ?? own.get(id) ?? String(id),
    ofLabel: id => labelled?.[id] ?? own.get(id + offset) ?? String(id),
  }
}
