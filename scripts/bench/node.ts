// The Node side of the bench: one measurement a process, named on the command line, printed as JSON on the last line.
import { writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parentPort } from 'node:worker_threads'
import { createKernels } from '../../kernels/lib/backends.ts'
import { createRng } from '../../src/base/rng.ts'
import { openData, readJson } from '../../src/cli/workbench.ts'
import { checkInput } from '../../src/data/input-schema.ts'
import { encodeModel } from '../../src/exporters/onnx.ts'
import { fileSource, openFiles } from '../../src/host/node/files.ts'
import { createNodePool, serveEngine } from '../../src/host/node/runner.ts'
import { importModel } from '../../src/importers/index.ts'
import { createBytes } from '../../src/ir/bytes.ts'
import type { Context } from '../../src/ir/context.ts'
import type { Case } from './case.ts'
import { deepNetwork } from './deep.ts'
import {
  calibration,
  decoded,
  importing,
  kernelSpeeds,
  largeFile,
  type Prepared,
  prepare,
  sweepMemory,
} from './measure.ts'
import { trainingSteps } from './training.ts'

const wall = (): number => performance.now()
/** Of all threads of this process, in milliseconds: what other processes take of the machine does not show in it. */
const cpu = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
let clock = wall
const rss = (): number => process.resourceUsage().maxRSS * 1024

async function open(
  c: Case,
  roots: Record<Case['root'], string>,
  threads = Math.min(8, availableParallelism()),
): Promise<{ prepared: Prepared; ctx: Context }> {
  const at = (path: string): string => join(roots[c.root], path)
  const { files, main } = await openFiles(at(c.model), 'model')
  const imported = await importModel(files, main ?? undefined)
  const bytes = createBytes(imported.sources)
  const ctx: Context = {
    bytes,
    ...createNodePool({
      count: threads,
      entry: new URL(import.meta.url),
      encode: model => encodeModel(model, bytes),
    }),
    kernels: await createKernels('wasm'),
    clock,
    rng: createRng(0),
    signal: new AbortController().signal,
    progress: () => {},
  }
  const dataset = await openData(at(c.data), imported.model, checkInput(await readJson(at(c.input), 'input spec')))
  return { prepared: await prepare(imported.model, dataset, ctx), ctx }
}

interface Request {
  task: 'calibration' | 'memory' | 'training' | 'kernels' | 'import' | 'make-large' | 'make-deep'
  case: Case
  roots: Record<Case['root'], string>
  rounds: number
  samples: number
  threads?: number
  path: string
  nodes: number
  clock: 'wall' | 'cpu'
}

async function measure({ task, case: c, roots, rounds, samples, path, nodes, ...more }: Request): Promise<unknown> {
  if (more.clock === 'cpu') clock = cpu
  switch (task) {
    case 'calibration': {
      const { prepared, ctx } = await open(c, roots)
      return calibration({ ...prepared, dataset: await decoded(prepared.dataset, c.samples) }, rounds, ctx)
    }
    case 'memory': {
      const { prepared, ctx } = await open(c, roots, more.threads)
      await sweepMemory(prepared, samples, ctx)
      return { peak: rss() }
    }
    case 'training': {
      const { prepared, ctx } = await open(c, roots, 2)
      return { ms: await trainingSteps(prepared.model, rounds, ctx), peak: rss() }
    }
    case 'kernels':
      return kernelSpeeds(clock)
    case 'make-large':
      return writeFile(path, largeFile().chunks())
    case 'make-deep':
      return writeFile(path, deepNetwork(nodes))
    case 'import': {
      const before = rss()
      return { ...(await importing(await fileSource(path), clock)), rss: rss() - before }
    }
  }
}

if (parentPort) serveEngine(parentPort, async () => (await import('../../src/jobs/tasks.ts')).tasks)
else {
  console.log(JSON.stringify((await measure(JSON.parse(process.argv[2]) as Request)) ?? null))
  process.exit(0)
}
