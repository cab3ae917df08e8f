// A Python with onnx and onnxruntime for the tests that ask for a second opinion: one of its own under .cache, made once where the
// machine has a python3 and its package index answers. Without it those tests say that they were not run.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './install.mjs'

const home = join(root, '.cache/python')
const program = join(home, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python')
const requirements = join(root, 'scripts/requirements.txt')
const stamp = join(home, 'requirements.txt')

const run = (command, ...args) =>
  spawnSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'], timeout: 600_000 }).status === 0

/** Its path, or null with the reason on the console. */
export function ensurePython() {
  const wanted = readFileSync(requirements, 'utf8')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return program
  console.log('Setting up a Python with onnx and onnxruntime for the cross-checks…')
  rmSync(home, { recursive: true, force: true })
  if (
    run('python3', '-m', 'venv', home) &&
    run(program, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements)
  ) {
    writeFileSync(stamp, wanted)
    return program
  }
  console.log(
    'There is no usable python3 here, or its packages cannot be had: the cross-checks with onnx and onnxruntime are not run.',
  )
  return null
}

/** The ONNX backend's node suite under .cache, made where it is not there yet. */
export function ensureNodeSuite(python) {
  const folder = join(root, '.cache/onnx-node-suite')
  if (existsSync(join(folder, 'index.json'))) return
  console.log('Generating the ONNX node suite…')
  if (!run(python, join(root, 'scripts/onnx-node-suite.py'), folder))
    console.log('The ONNX node suite could not be made; its test is not run.')
}
