// What a runtime's outputs come to: against the float model, against the preview, in bytes, and in how many operators ran in few bits.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../install.mjs'

/** `out` is the folder that scripts/targets/prepare.ts filled, `said` what the runtime said of itself. */
export function compare(python, out, dir, got, said) {
  const labels = join(out, 'labels.npz')
  const files = [join(out, 'float.npz'), join(out, `preview-${dir}.npz`), got, ...(existsSync(labels) ? [labels] : [])]
  const ran = spawnSync(python, [join(root, 'test/targets/runtimes/figures.py'), ...files], { encoding: 'utf8' })
  if (ran.status !== 0) return { failed: ran.stderr.trim().split('\n').at(-1) }
  return {
    ...JSON.parse(ran.stdout),
    bytes: said.model_bytes,
    lowBit: operators(said.low_bit_ops),
    runtime: said.runtime,
  }
}

const operators = ops => (typeof ops === 'object' && ops !== null ? Object.values(ops).reduce((n, k) => n + k, 0) : ops)

/** What a row wanted and did not get. */
export function shortOf(figures, { least, exact }) {
  if (!figures.ran) return ['its outputs are constant or not finite']
  const short = Object.entries(least ?? {}).flatMap(([name, wanted]) =>
    figures[name] !== null && figures[name] < wanted ? [`${name} ${figures[name].toFixed(2)} of ${wanted}`] : [],
  )
  return exact && figures.equal < 99.9 ? [...short, `${figures.equal.toFixed(2)} % of the preview's values`] : short
}

export const lineOf = f =>
  [
    `${f.sqnrDb.toFixed(1)} dB`,
    f.agreement === null ? null : `${f.agreement.toFixed(2)} % as float`,
    f.preview === null
      ? null
      : `${f.preview.toFixed(2)} % as previewed (${f.previewDb.toFixed(1)} dB, ${f.equal.toFixed(2)} % of values)`,
    f.samples ? `${f.right} of ${f.samples} right (float ${f.float})` : null,
    f.lowBit === undefined ? null : `${f.lowBit} operators in few bits`,
    `${f.bytes} bytes`,
    f.runtime,
  ]
    .filter(part => part !== null)
    .join(', ')
