// The index of the samples, and what every sample must keep.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { folder, root, samples } from './files.ts'

const filesOf = (sample: (typeof samples)[number]): string[] => [
  sample.model,
  sample.input,
  ...sample.data,
  ...sample.evaluation,
]
const sizeOf = (path: string): number => statSync(join(folder, path)).size

describe.each(samples)('sample $id', sample => {
  it('names files that are there, in its own folder', () => {
    for (const path of filesOf(sample)) {
      expect(path.startsWith(`${sample.id}/`)).toBe(true)
      expect(existsSync(join(folder, path)), path).toBe(true)
    }
  })

  it('says how many bytes it is', () => {
    expect(sample.bytes).toBe(filesOf(sample).reduce((n, path) => n + sizeOf(path), 0))
  })

  it('is described in English and Chinese', () => {
    for (const text of [sample.label, sample.about]) {
      expect(text.en).toMatch(/^[\x20-\x7e]+$/)
      expect(text.zh).toMatch(/\p{Script=Han}/u)
    }
  })

  it('is named with its origin in NOTICE', () => {
    expect(readFileSync(join(root, 'NOTICE'), 'utf8')).toContain(`public/samples/${sample.id}`)
  })

  it('has an input spec for an image input and a task', () => {
    const spec = JSON.parse(readFileSync(join(folder, sample.input), 'utf8'))
    expect(['classify', 'ctc', 'segment']).toContain(spec.task.kind)
    for (const input of Object.values<Record<string, unknown>>(spec.inputs)) {
      expect(input.mean).toHaveLength(input.color === 'GRAY' ? 1 : 3)
      expect(input.std).toHaveLength(input.color === 'GRAY' ? 1 : 3)
    }
  })
})

it('what the repository keeps of the samples is less than 2 MB; with the files of packages it is less than 20 MB', () => {
  const tracked = execFileSync('git', ['ls-files', 'public/samples'], { cwd: root, encoding: 'utf8' })
    .trim()
    .split('\n')
  const kept = tracked.filter(path => existsSync(join(root, path)))
  expect(kept.reduce((n, path) => n + statSync(join(root, path)).size, 0)).toBeLessThan(2e6)
  expect(samples.reduce((n, sample) => n + sample.bytes, 0)).toBeLessThan(20e6)
})
