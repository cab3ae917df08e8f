// gcc, where there is one: models as C compiled together, strictly and with sanitizers, and run on samples.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { collect } from '../../src/base/bytes.ts'
import { bytesOf, viewAs } from '../../src/base/dtype.ts'
import type { Written } from '../../src/exporters/types.ts'

export const strict = ['-std=c99', '-Wall', '-Wextra', '-Werror', '-pedantic']
export const sanitized = ['-g', '-O1', '-fsanitize=address,undefined', '-fno-sanitize-recover=all']

/** Whether C can be compiled here; says so where it cannot. */
export function compiler(): boolean {
  if (spawnSync('gcc', ['--version']).status === 0) return true
  console.log('No C is compiled: there is no gcc here.')
  return false
}

/** Works in a folder of its own, which is gone afterwards. */
export async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'thimble-c-'))
  try {
    return await work(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

export async function place(written: Written, folder: string): Promise<void> {
  for (const file of [...written.files, ...(written.around ?? [])]) {
    mkdirSync(dirname(join(folder, file.path)), { recursive: true })
    writeFileSync(join(folder, file.path), await collect(file.chunks()))
  }
}

export function gcc(folder: string, args: readonly string[]): void {
  execFileSync('gcc', args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' })
}

export interface Job {
  written: Written
  /** Each sample as model_run takes it. */
  samples: readonly Uint8Array[]
}

/** What each model gives for each of its samples, in bytes; all of them in one program. `flags` beside the strict ones. */
export async function runC(jobs: readonly Job[], flags: readonly string[] = sanitized): Promise<Uint8Array[][]> {
  return inFolder(async folder => {
    for (const [k, { written }] of jobs.entries()) {
      await place(written, join(folder, String(k)))
      writeFileSync(join(folder, `run${k}.c`), runner(k))
    }
    writeFileSync(join(folder, 'main.c'), main(jobs.map(j => j.samples.length)))
    const sources = jobs.map((_, k) => `run${k}.c`)
    gcc(folder, [...strict, ...flags, 'main.c', ...sources, '-o', 'all'])
    const input = Buffer.concat(jobs.flatMap(j => [...j.samples]))
    const ran = spawnSync(join(folder, 'all'), { input, maxBuffer: 1 << 28 })
    if (ran.status !== 0) throw new Error(`The program stopped: ${ran.stderr.toString().slice(0, 2000)}`)
    const answers: Uint8Array[][] = []
    let at = 0
    for (const { samples } of jobs)
      answers.push(
        samples.map(() => {
          const size = ran.stdout.readUInt32LE(at)
          at += 4 + size
          return new Uint8Array(ran.stdout.subarray(at - size, at)).slice()
        }),
      )
    return answers
  })
}

// Each model in a translation unit of its own, which is how several can be one program.
const runner = (k: number): string => `#define model_run model_run_${k}
#include "${k}/model.c"
#include <stdio.h>
int run_${k}(void);
int run_${k}(void) {
  static MODEL_IN_T in[MODEL_INPUT_SIZE];
  static MODEL_OUT_T out[MODEL_OUTPUT_SIZE];
  const uint32_t size = (uint32_t)sizeof out;
  if (fread(in, sizeof in, 1, stdin) != 1) return 1;
  model_run(in, out);
  return fwrite(&size, 4, 1, stdout) != 1 || fwrite(out, sizeof out, 1, stdout) != 1;
}
`

const main = (counts: readonly number[]): string => `
${counts.map((_, k) => `int run_${k}(void);`).join('\n')}
int main(void) {
${counts.map((n, k) => `  for (int i = 0; i < ${n}; i++) if (run_${k}()) return ${1 + (k % 100)};`).join('\n')}
  return 0;
}
`

export const bytesFrom = (values: ArrayLike<number>, type: 'float32' | 'int8' | 'uint8'): Uint8Array => {
  const make = { float32: Float32Array, int8: Int8Array, uint8: Uint8Array }[type]
  return bytesOf(make.from(values as number[])).slice()
}

export const numbersIn = (bytes: Uint8Array, type: 'float32' | 'int8' | 'uint8'): number[] =>
  Array.from(viewAs(type, bytes) as Int8Array, Number)
