// What a runtime's outputs come to: against the float model, against the preview, in bytes, and in how many operators ran in few bits.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { root } from '../install.mjs'

/** `common` and `out` are the folders that scripts/targets/prepare.ts filled, `said` what the runtime said of itself. */
export function compare(python, row, { common, out, folder, got, said, operators }) {
  const files =
    row.runtime === 'weights' ? [join(common, 'weights.npz'), got] : [common, join(out, `preview-${folder}.npz`), got]
  const ran = spawnSync(python, [join(root, 'test/targets/runtimes/figures.py'), ...files], { encoding: 'utf8' })
  if (ran.status !== 0) return { failed: ran.stderr.trim().split('\n').at(-1) }
  const executed = total(said.low_bit_ops)
  const { runtime, model_bytes: bytes, object, arena } = said
  return { ...JSON.parse(ran.stdout), operators, executed, bytes, runtime, object, arena }
}

const total = ops => (typeof ops === 'object' && ops !== null ? Object.values(ops).reduce((n, k) => n + k, 0) : ops)

/** What a row wanted and did not get. */
export function shortOf(figures, { least, exact }) {
  if (!figures.ran) return ['its outputs are constant or not finite']
  const short = Object.entries(least ?? {}).flatMap(([name, wanted]) =>
    typeof figures[name] === 'number' && figures[name] < wanted
      ? [`${name} ${figures[name].toFixed(2)} of ${wanted}`]
      : [],
  )
  return exact && figures.equal < 99.9 ? [...short, `${figures.equal.toFixed(2)} % of the preview's values`] : short
}

export const lineOf = f =>
  [
    `${f.sqnrDb.toFixed(1)} dB${f.tensors ? ` over ${f.tensors} tensors as read` : ` on ${f.count} samples`}`,
    f.agreement === null ? null : `${f.agreement.toFixed(2)} % as float`,
    f.samples ? `${f.right} of ${f.samples} right (float ${f.float})` : null,
    f.tensors
      ? null
      : `preview: ${f.preview === null ? '' : `${f.preview.toFixed(2)} %, `}${f.previewDb.toFixed(1)} dB, ${f.equal.toFixed(2)} % of values`,
    !f.operators
      ? null
      : `${f.operators.lowBit} operators in few bits${f.executed === undefined ? '' : ` (${f.executed} as run)`}, ${f.operators.float} in floats`,
    `${f.bytes} bytes`,
    f.runtime,
  ]
    .filter(part => part !== null)
    .join(', ')
