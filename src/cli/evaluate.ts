// thimble evaluate
import { proposeSpec } from '../jobs/proposed.ts'
import { infer } from '../ops/infer.ts'
import { judge } from '../recipe/steps/judge.ts'
import { type OptionTable, type Parsed, usage } from './arguments.ts'
import type { ProgressLine } from './output.ts'
import { agreementText } from './report-text.ts'
import { createContext, modelOptions, openData, openInput, openModel, runOptions } from './workbench.ts'

export const options: OptionTable = {
  data: { value: 'LABELLED', about: 'labelled samples' },
  input: { value: 'SPEC.json', about: 'how pixels become what the model is fed' },
  reference: { value: 'MODEL', about: 'compare with this model on the same samples' },
  ...modelOptions,
  ...runOptions,
  json: { about: 'print as JSON' },
}

export async function run(args: Parsed, line: ProgressLine, signal: AbortSignal): Promise<string> {
  const [path, ...rest] = args.positionals
  const data = args.text('data')
  if (!path || rest.length > 0 || !data)
    throw usage('evaluate wants MODEL and --data', 'thimble evaluate MODEL --data LABELLED')
  const opened = await openModel(path, args)
  const other = args.text('reference')
  const reference = other ? await openModel(other, args, 'reference/') : opened
  const given = await openInput(args)
  const proposed = proposeSpec(reference.imported.model)
  const input = given ?? proposed.spec
  if (!given) for (const note of proposed.notes) line.say(note)

  const dataset = await openData(data, reference.imported.model, input)
  const sources = new Map([...reference.imported.sources, ...opened.imported.sources])
  const ctx = await createContext(sources, args, line, signal, 0)
  const others = other ? [{ model: infer(opened.imported.model) }] : []
  const judged = await judge(
    infer(reference.imported.model),
    others,
    dataset,
    { batch: 16, labelled: true, input },
    ctx,
  )
  line.done()
  if (judged.misfit && !other) throw judged.misfit
  const result = {
    model: opened.imported.name,
    reference: other ? reference.imported.name : null,
    accuracy: other ? judged.accuracies[0] : judged.accuracy,
    referenceAccuracy: other ? judged.accuracy : null,
    agreement: judged.agreements[0] ?? null,
    data: { samples: dataset.size, skipped: dataset.skipped, suspicious: dataset.suspicious },
    notes: judged.notes,
  }
  if (args.flag('json')) return `${JSON.stringify(result, null, 2)}\n`
  const lines: string[] = []
  const { accuracy, agreement } = result
  if (accuracy)
    lines.push(
      `${accuracy.metric} ${accuracy.value.toFixed(2)} % on ${accuracy.samples} samples (95 %: ${accuracy.interval95.low.toFixed(2)} to ${accuracy.interval95.high.toFixed(2)})`,
    )
  if (accuracy?.against) lines.push(accuracy.against.words)
  if (accuracy?.detail) lines.push(`${accuracy.detail.metric} ${accuracy.detail.value.toFixed(2)} %`)
  if (agreement) lines.push(`outputs against the reference: ${agreementText(agreement)}`)
  for (const { sample, what } of dataset.suspicious) lines.push(`suspicious: ${sample}: ${what}`)
  lines.push(...result.notes)
  return `${lines.join('\n')}\n`
}
