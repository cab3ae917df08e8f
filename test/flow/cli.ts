// The built command line as a person runs it: arguments in; status, stdout and stderr out. Nothing of the sources is called.
import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, sep } from 'node:path'
import { afterAll, vi } from 'vitest'

export const root = join(import.meta.dirname, '../..')
export const samples = join(root, 'public/samples')

// Each test is some runs of the whole program, on a machine that may be busy.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

// The build's own script is JavaScript, and has no types.
const script: { buildCli(options: { quiet: boolean }): Promise<boolean> } = await import(
  new URL('../../scripts/build.mjs', import.meta.url).href
)
await script.buildCli({ quiet: true })

// Run from a copy, far from any node_modules: it must need nothing that is not in its own folder.
const home = scratch()
cpSync(join(root, 'dist/cli'), home, { recursive: true })
const program = join(home, 'thimble.mjs')

export interface Ended {
  status: number | null
  stdout: string
  stderr: string
}

/** Starts the command line; `ended` resolves when it does. */
export function start(
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(process.execPath, [program, ...args], {
    cwd: root,
    env: { ...process.env, NO_COLOR: '1', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = new Promise<Ended>((done, fail) => {
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', text => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', text => {
      stderr += text
    })
    child.on('error', fail)
    child.on('close', status => done({ status, stdout, stderr }))
  })
  return { child, ended }
}

/** Runs the command line to its end. */
export const thimble = (...args: string[]): Promise<Ended> => start(args).ended

/** A folder of its own, gone after the tests of the file. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'thimble-test-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Every file below a folder by its path, in sorted order. */
export function filesOf(folder: string): Map<string, Uint8Array> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(e => e.isFile())
  const paths = entries.map(e => relative(folder, join(e.parentPath, e.name)).split(sep).join('/'))
  return new Map(paths.sort().map(path => [path, new Uint8Array(readFileSync(join(folder, path)))]))
}

export const readJson = <T = Record<string, unknown>>(path: string): T => JSON.parse(readFileSync(path, 'utf8')) as T
