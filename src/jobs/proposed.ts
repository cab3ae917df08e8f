// An input spec proposed from the model: how pixels become what it is fed, and how its outputs are read where that takes settings.

import type { ImageInputSpec, InputSpec, TaskSpec } from '../data/input-spec.ts'
import { type Proposal, proposeInput } from '../data/propose-input.ts'
import type { Model } from '../ir/model.ts'
import { infer } from '../ops/infer.ts'
import { decoders } from '../tasks/decoders/index.ts'
import { proposedTask, taskFor, tasks } from '../tasks/index.ts'

export function proposeSpec(model: Model): Proposal {
  const { spec, notes } = proposeInput(model)
  const task = proposedFor(infer(model))
  if (task === null || (task.kind !== 'detect' && task.kind !== 'segment')) return { spec, notes }
  const named = Object.entries(task).flatMap(([key, value]) =>
    key === 'kind' || typeof value !== 'string' ? [] : [`${key} ${value}`],
  )
  const settings = named.join(', ')
  const said = [
    ...notes,
    task.kind === 'detect'
      ? `The outputs look like detections: ${settings} (assumed).`
      : `The outputs look like a segmentation: ${settings} (assumed).`,
  ]
  const usual = task.kind === 'detect' ? fedAs(task, model) : null
  if (!usual) return { spec: { ...spec, task }, notes: said }
  const inputs = Object.entries(spec.inputs).map(([name, input]) => [
    name,
    { ...input, ...usual.input, resize: { ...input.resize, ...usual.input.resize } },
  ])
  return { spec: { ...spec, inputs: Object.fromEntries(inputs), task }, notes: [...said, usual.why] }
}

/** How pictures are usually prepared for a kind of detector. */
function fedAs(task: TaskSpec, { graph }: Model): { input: ImageInputSpec; why: string } | null {
  if (task.decoder === 'yolo')
    return {
      input: { pad: 114, resize: { fit: 'letterbox', like: 'opencv' } },
      why: 'Pictures are put into a frame of grey 114, as Ultralytics does for YOLO (assumed).',
    }
  const places = graph.values.get(String(task.boxes))?.shape?.[1]
  if (places === 4420 || places === 17640)
    return {
      input: { scale: 1, mean: [127], std: [128], resize: { like: 'opencv' } },
      why: '(x - 127)/128, since the number of boxes is that of UltraFace (assumed).',
    }
  return null
}

/** What the outputs of a model look like; `model` is inferred. */
export const proposedFor = (model: Model): TaskSpec | null => proposedTask(model) as TaskSpec | null

/** Refuses a task that does not fit the model. */
export function checkTask(input: InputSpec, model: Model): void {
  taskFor(input, infer(model))
}

/** All tasks and decoders that may be chosen, for a catalogue. */
export const taskCatalogue = {
  tasks: tasks.map(({ id, label, options }) => ({ id, label, options })),
  decoders: decoders.map(({ id, label, uses }) => ({ id, label, uses })),
}
