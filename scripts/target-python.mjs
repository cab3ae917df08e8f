// A Python per target runtime, each with the pinned packages of test/targets/requirements/<runtime>.txt, made once in the user's cache:
// outside the clone, so that a fresh clone need not install them again.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { root } from './install.mjs'

const requirementsFolder = join(root, 'test/targets/requirements')

/** Where the environments lie; THIMBLE_TARGETS names another place. */
export const environments = process.env.THIMBLE_TARGETS ?? join(homedir(), '.cache/thimble/targets')

export const runtimes = readdirSync(requirementsFolder).map(file => basename(file, '.txt'))

const run = (command, ...args) => spawnSync(command, args, { encoding: 'utf8', timeout: 1_200_000 })

/** The interpreter that has a runtime's packages, or why there is none. */
export function targetPython(runtime) {
  const home = join(environments, runtime)
  const program = join(home, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python')
  const requirements = join(requirementsFolder, `${runtime}.txt`)
  const wanted = readFileSync(requirements, 'utf8')
  const stamp = join(home, 'requirements.txt')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return { program, why: null }
  rmSync(home, { recursive: true, force: true })
  mkdirSync(environments, { recursive: true })
  const made = run('python3', '-m', 'venv', home)
  if (made.status !== 0) return { program: null, why: `python3 -m venv: ${lastLine(made)}` }
  const installed = run(program, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements)
  if (installed.status !== 0) return { program: null, why: `pip install: ${lastLine(installed)}` }
  writeFileSync(stamp, wanted)
  return { program, why: null }
}

const lastLine = ({ stderr, error }) => stderr?.trim().split('\n').at(-1) || error?.message || 'no answer'

// node scripts/target-python.mjs RUNTIME: prints the interpreter's path.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { program, why } = targetPython(process.argv[2])
  if (program) console.log(program)
  else {
    console.error(why)
    process.exitCode = 1
  }
}
