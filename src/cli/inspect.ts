// thimble inspect

import { createBytes } from '../ir/bytes.ts'
import { type Inspection, inspect } from '../stages/inspect/inspect.ts'
import { checkWeights, zeroChannels } from '../stages/inspect/weights.ts'
import { type OptionTable, type Parsed, usage } from './arguments.ts'
import { kilobytes, table } from './output.ts'
import { modelOptions, openModel } from './workbench.ts'

export const options: OptionTable = { ...modelOptions, json: { about: 'print as JSON' } }

export async function run(args: Parsed): Promise<string> {
  const [path, ...rest] = args.positionals
  if (!path || rest.length > 0) throw usage('inspect wants one MODEL', 'thimble inspect MODEL')
  const { imported } = await openModel(path, args)
  const bytes = createBytes(imported.sources)
  const found = inspect(imported.model)
  const result = {
    name: imported.name,
    format: imported.format,
    bytes: imported.bytes,
    ...found,
    metadata: imported.model.meta,
    badWeights: await checkWeights(imported.model, bytes),
    zeroChannels: await zeroChannels(imported.model, bytes),
    notes: [...imported.notes, ...found.notes],
  }
  return args.flag('json') ? `${JSON.stringify(result, null, 2)}\n` : inspectionText(result)
}

type Shown = Inspection & {
  name: string
  format: string
  bytes: number
  badWeights: readonly { value: string; nan: number; inf: number }[]
  zeroChannels: readonly unknown[]
}

function inspectionText(r: Shown): string {
  const opsets = Object.entries(r.opsets).map(([domain, version]) => `${domain || 'ai.onnx'} ${version}`)
  const shape = (dims: readonly unknown[] | null): string => (dims ? `[${dims.map(d => d ?? '?').join(', ')}]` : '[?]')
  const lines = [
    `${r.name}  ${r.format}, ${kilobytes(r.bytes)}${r.producer ? `, made by ${r.producer}` : ''}, opset ${opsets.join(', ')}`,
    `${r.nodes} nodes, ${r.parameters.toLocaleString('en')} parameters, ${r.macs.toLocaleString('en')} MACs a sample, activations at most ${kilobytes(r.peakActivations.bytes)}${r.peakActivations.at ? ` (at ${r.peakActivations.at})` : ''}`,
    '',
    table(
      ['', 'name', 'type', 'shape'],
      [
        ...r.inputs.map(p => ['input', p.name, p.dtype ?? '?', shape(p.shape)]),
        ...r.outputs.map(p => ['output', p.name, p.dtype ?? '?', shape(p.shape)]),
      ],
    ),
    '',
    table(
      ['operator', 'count'],
      r.operators.map(o => [o.domain ? `${o.domain}.${o.op}` : o.op, String(o.count)]),
    ),
  ]
  for (const { node, op, why } of r.staysFloat) lines.push('', `${node} (${op}) stays float: ${why}`)
  for (const { value, nan, inf } of r.badWeights) lines.push('', `${value}: ${nan} NaN and ${inf} infinite weights`)
  if (r.zeroChannels.length > 0)
    lines.push('', `${r.zeroChannels.length} weights have output channels that are all zero: see --json`)
  for (const note of r.notes) lines.push('', note)
  return `${lines.join('\n')}\n`
}
