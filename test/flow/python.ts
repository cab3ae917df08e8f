// A Python with onnxruntime, where this machine has one: tests use it as a second opinion and say so where it is missing.
import { execFile, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { root } from './cli.ts'

const candidates = [process.env.THIMBLE_PYTHON, 'python3', 'python']
const usable = (name: string | undefined): name is string =>
  !!name && spawnSync(name, ['-c', 'import onnxruntime, numpy'], { stdio: 'ignore' }).status === 0

/** The program, or null. */
export const python = candidates.find(usable) ?? null
if (python === null)
  console.log('Python is not asked: no python3 with onnxruntime and numpy here; name one in THIMBLE_PYTHON.')

/** stdout of a run; throws with stderr where it failed. */
export async function runPython(...args: string[]): Promise<string> {
  return (await promisify(execFile)(python!, args, { encoding: 'utf8', maxBuffer: 1 << 26 })).stdout
}

export interface Checked {
  cpu: string
  vnni: boolean | null
  float: { top1: number; reportTop1: number }
  int8: { top1: number; reportTop1: number }
  sqnrDb: number
  reportSqnrDb: number
}

/** What Python's onnxruntime measures on a bundle, beside what its report says. */
export async function measure(bundle: string, labelled: string, reference: string): Promise<Checked> {
  const script = join(root, 'scripts/verify-python.py')
  return JSON.parse(await runPython(script, bundle, labelled, '--reference', reference, '--json')) as Checked
}
