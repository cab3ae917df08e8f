// `npm test`: everything that must hold, from type check to a real Chromium; installs what it needs first.
// Ends with one line that counts, and fails if anything did.
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, relative } from 'node:path'
import { install, root } from './install.mjs'

install()
const { ensureChromium } = await import('./chromium.mjs')
const { buildKernels } = await import('./build.mjs')
const { ensureNodeSuite, ensurePython } = await import('./python.mjs')
const { ensureMiniLm } = await import('./models/minilm.mjs')

const count = { passed: 0, failed: 0, skipped: 0 }
const failures = []
const bin = name => join(root, 'node_modules', name)

/** Runs Node on a script with its output streamed; resolves to the exit status. */
const node = (...args) =>
  new Promise(done => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' })
    child.on('close', status => done(status ?? 1))
  })

function note(name, ok) {
  if (ok) count.passed++
  else {
    count.failed++
    failures.push(name)
  }
}

async function check(name, ...args) {
  console.log(`\n— ${name}`)
  note(name, (await node(...args)) === 0)
}

async function vitest(project, ...more) {
  console.log(`\n— ${project} tests`)
  const report = join(root, '.cache', `vitest-${project}.json`)
  rmSync(report, { force: true })
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const status = await node(bin('vitest/vitest.mjs'), 'run', '--project', project, ...more, ...reporters)
  let result
  try {
    result = JSON.parse(readFileSync(report, 'utf8'))
  } catch {
    note(`${project} tests (no result)`, false)
    return
  }
  count.passed += result.numPassedTests
  count.failed += result.numFailedTests
  count.skipped += result.numPendingTests + result.numTodoTests
  for (const { name, assertionResults } of result.testResults)
    for (const { status, fullName, failureMessages } of assertionResults)
      if (status === 'failed')
        failures.push(`${relative(root, name)}, ${fullName}: ${failureMessages[0]?.split('\n')[0]}`)
  // A file that cannot be loaded has no tests that could fail.
  if (status !== 0 && result.numFailedTests === 0) note(`${project} tests (status ${status})`, false)
}

mkdirSync(join(root, '.cache'), { recursive: true })
const started = performance.now()
await buildKernels()
const python = ensurePython()
if (python) {
  process.env.THIMBLE_PYTHON = python
  ensureNodeSuite(python)
  ensureMiniLm()
}
await check('types', bin('typescript/bin/tsc'), '--noEmit', '-p', 'tsconfig.json')
await check('types of the core', bin('typescript/bin/tsc'), '--noEmit', '-p', 'tsconfig.core.json')
await check('lint and format', bin('@biomejs/biome/bin/biome'), 'check', '.')
await check('build', 'scripts/build.mjs')
// Two at least: of two cores Vitest would leave one idle wherever a test has one thread.
await vitest('node', `--maxWorkers=${Math.max(2, availableParallelism() - 1)}`)
if (ensureChromium()) {
  await vitest('browser')
  await vitest('e2e')
} else note('a Chromium for the browser tests', false)

if (failures.length > 0) console.log('')
for (const failure of failures) console.log(`Failed: ${failure}`)
console.log(`\n${((performance.now() - started) / 60_000).toFixed(1)} minutes`)
console.log(`${count.passed} passed, ${count.failed} failed${count.skipped ? `, ${count.skipped} skipped` : ''}`)
process.exit(count.failed === 0 ? 0 : 1)
