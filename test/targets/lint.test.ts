// Lint of real models for every target: it must answer while one waits. CPU time is asked, since the machine may be busy.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openFiles } from '../../src/host/node/files.ts'
import { importModel } from '../../src/importers/index.ts'
import { createBytes } from '../../src/ir/bytes.ts'
import { lint } from '../../src/jobs/lint.ts'
import { targets } from '../../src/targets/index.ts'
import { sharedData } from '../data/shared.ts'
import { createTestContext } from '../runner.ts'

const models = ['cifar10_resnet20_raw', 'ultraface_rfb320', 'ppocrv4_rec']
const most = 3 // seconds: thrice what it takes on the machine that this was written on, from a cold start

describe.skipIf(!existsSync(join(sharedData, 'onnx')))('findings of every target within seconds', () => {
  test.for(models)('%s', { timeout: 300_000 }, async name => {
    const took: [string, number][] = []
    // Chips of one maker differ in a name.
    for (const { id, quant } of targets.filter(target => !target.id.includes(':'))) {
      const { files, main } = await openFiles(join(sharedData, `onnx/${name}.onnx`), 'model')
      const start = process.cpuUsage()
      const imported = await importModel(files, main ?? undefined)
      const ctx = { ...(await createTestContext(imported.sources)), bytes: createBytes(imported.sources) }
      const { integer, findings } = await lint(imported, id, ctx)
      const { user, system } = process.cpuUsage(start)
      took.push([id, (user + system) / 1e6])
      expect(integer + findings.length, id).toBeGreaterThan(0)
      if (quant.ops.length === 0) expect(integer, id).toBe(0)
    }
    const [slowest] = took.toSorted(([, a], [, b]) => b - a)
    console.log(
      `lint of ${name}: ${took.length} targets, ${took[0][1].toFixed(2)} s for the first, at most ${slowest[1].toFixed(2)} s (${slowest[0]})`,
    )
    expect(slowest[1]).toBeLessThan(most)
  })
})
