// `npm run bench [-- --write]`: speed and memory in Node and in Chromium, as the Markdown table that the README quotes.
// With --write also to docs/bench/latest.md and into the README.
import { execFile } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { install, root } from './install.mjs'

install()
const { chromium } = await import('playwright-core')
const { buildCli, buildSite } = await import('./build.mjs')
const { buildBench, folder } = await import('./bench/build.mjs')
const { networks, shipped } = await import('./bench/cases.mjs')
const { graphFrames } = await import('./bench/graph.mjs')
const { table } = await import('./bench/table.mjs')
const { chromiumArgs, findChromium } = await import('./chromium.mjs')
const { serve, siteFolder } = await import('./serve.mjs')

const roots = { shared: join(root, '../shared/data'), samples: join(root, 'public/samples') }
const rounds = Number(process.env.BENCH_ROUNDS ?? 5)
// On a machine that others use: Node's ratios in processor time of all threads, which the others' work does not lengthen.
const clock = process.env.BENCH_CLOCK === 'cpu' ? 'cpu' : 'wall'
const say = text => process.stderr.write(`${text}\n`)

say('building ...')
await buildCli({ quiet: true })
await buildSite()
await buildBench()

const there = networks.filter(c => existsSync(join(roots[c.root], c.model)))
const cases = there.length > 0 ? there : [shipped]
const heavy = cases.at(-1)
const temporary = mkdtempSync(join(tmpdir(), 'thimble-bench-'))

/**
 * Node in a process of its own, started by a shell: Linux counts what a process took before it became another program as its own, and
 * this one has just built the site.
 */
function startNode(args, options) {
  const run = promisify(execFile)
  return process.platform === 'win32'
    ? run(process.execPath, args, options)
    : run('/bin/sh', ['-c', '"$0" "$@"; exit $?', process.execPath, ...args], options)
}

/** One measurement in a process of its own. */
async function node(request) {
  const { stdout } = await startNode(
    [
      join(folder, 'node/node.mjs'),
      JSON.stringify({ roots, rounds, clock: request.task === 'calibration' ? clock : 'wall', ...request }),
    ],
    { maxBuffer: 1 << 24 },
  )
  return JSON.parse(stdout.trim().split('\n').at(-1))
}

async function measureNode() {
  const found = { version: `Node ${process.versions.node}`, calibration: [], memory: {} }
  for (const c of cases) {
    say(`Node: calibration of ${c.name} ...`)
    found.calibration.push({ case: c, ...(await node({ task: 'calibration', case: c })) })
  }
  for (const samples of [64, 512]) {
    say(`Node: memory of ${samples} samples ...`)
    found.memory[samples] = (await node({ task: 'memory', case: heavy, samples })).peak
  }
  found.memory.oneEngine = (await node({ task: 'memory', case: heavy, samples: 64, threads: 1 })).peak
  say('Node: a whole job ...')
  found.job = await wholeJob()
  say('Node: steps of training ...')
  found.training = { name: cases[0].name, ...(await trainingBesides(cases[0])) }
  say('Node: kernels and import ...')
  found.kernels = await node({ task: 'kernels' })
  const path = join(temporary, 'large.onnx')
  await node({ task: 'make-large', path })
  found.import = await node({ task: 'import', path })
  return found
}

const steps = 20
const noTorch = error => {
  say(`no PyTorch: ${error.message.trim().split('\n').at(-1)}`)
  return null
}

/** Steps of training on two threads, and those of PyTorch on one where a Python here has it. */
async function trainingBesides(c) {
  const own = await node({ task: 'training', case: c, rounds: steps })
  const python = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3'
  const script = join(root, 'scripts/bench/training.py')
  const torch = c.root === 'shared' ? await promisify(execFile)(python, [script, String(steps)]).catch(noTorch) : null
  return { own, torch: torch && JSON.parse(torch.stdout) }
}

/** Largest resident set of `thimble compress`, everything in it. */
async function wholeJob() {
  const { stdout } = await startNode(
    [
      join(root, 'dist/cli/thimble.mjs'),
      'compress',
      join(roots[heavy.root], heavy.model),
      ...['--data', join(roots[heavy.root], heavy.data), '--input', join(roots[heavy.root], heavy.input)],
      ...['--samples', '64', '--out', join(temporary, 'out'), '--json'],
    ],
    { maxBuffer: 1 << 26 },
  )
  const report = JSON.parse(stdout)
  return { peak: report.memory.peakBytes, ms: report.timing.totalMs }
}

/** Files of a case as the page asks for them. */
function filesOf(c) {
  const at = join(roots[c.root], c.data)
  if (statSync(at).isDirectory())
    return readdirSync(at, { recursive: true })
      .map(name => `${c.data}/${name}`)
      .sort()
  const parent = c.data.slice(0, c.data.lastIndexOf('/') + 1)
  const stem = c.data.slice(parent.length).replace(/\.\w+$/, '')
  return readdirSync(join(roots[c.root], parent))
    .filter(name => name.startsWith(stem))
    .map(name => parent + name)
}

async function measureBrowser(executablePath) {
  for (const c of cases)
    for (const path of [c.model, c.input, ...filesOf(c)])
      cpSync(join(roots[c.root], path), join(folder, 'site/data', path), { recursive: true })
  const server = await serve(join(folder, 'site'))
  const found = { calibration: [], memory: {} }
  /** One measurement in a browser of its own. */
  const inPage = async (work, argument) => {
    const browser = await chromium.launch({ executablePath, args: chromiumArgs })
    try {
      found.version ??= `Chromium ${browser.version()}`
      const page = await browser.newPage()
      await page.goto(server.url)
      await page.waitForFunction(() => 'bench' in globalThis)
      return await page.evaluate(work, argument)
    } finally {
      await browser.close()
    }
  }
  try {
    for (const c of cases) {
      say(`Chromium: calibration of ${c.name} ...`)
      const given = [c, filesOf(c), rounds]
      found.calibration.push({ case: c, ...(await inPage(([...a]) => globalThis.bench.calibration(...a), given)) })
    }
    for (const samples of [64, 512]) {
      say(`Chromium: memory of ${samples} samples ...`)
      const given = [heavy, filesOf(heavy), samples]
      found.memory[samples] = (await inPage(([...a]) => globalThis.bench.memory(...a), given)).engines
    }
    say('Chromium: kernels and import ...')
    found.kernels = await inPage(() => globalThis.bench.kernels())
    found.import = await inPage(() => globalThis.bench.importing())
    return found
  } finally {
    await server.close()
  }
}

/** The studio opened for the first time: what is loaded before anybody does anything, and how soon a sample has its result. */
async function firstLoad(executablePath) {
  const asked = new Map()
  const server = await serve(siteFolder, {
    onRequest: path => {
      if (!asked.has(path)) asked.set(path, Date.now())
    },
  })
  const times = { shown: [], result: [] }
  let loaded = null
  try {
    for (let i = 0; i < 3; i++) {
      const browser = await chromium.launch({ executablePath, args: chromiumArgs })
      try {
        // The service worker fetches everything for offline use afterwards; that is not what the page waits for.
        const context = await browser.newContext({ locale: 'en', serviceWorkers: 'block' })
        const page = await context.newPage()
        await page.addInitScript(() => {
          globalThis.usable = new Promise(done => {
            new MutationObserver(() => {
              if (document.querySelector('[data-testid=sample-digits]')) done(Date.now())
            }).observe(document, { childList: true, subtree: true })
          })
        })
        asked.clear()
        const start = Date.now()
        await page.goto(server.url)
        const sample = page.getByTestId('sample-digits')
        const shown = await page.evaluate(() => globalThis.usable)
        times.shown.push(shown - start)
        await page.waitForLoadState('networkidle')
        loaded ??= [...asked].map(([path, at]) => ({ path, early: at <= shown }))
        const clicked = performance.now()
        await sample.click()
        await page.getByTestId('agreement').waitFor({ timeout: 150_000 })
        times.result.push(performance.now() - clicked)
      } finally {
        await browser.close()
      }
    }
  } finally {
    await server.close()
  }
  const files = loaded.map(({ path, early }) => {
    const bytes = readFileSync(join(siteFolder, path === '/' ? 'index.html' : path))
    return { path, early, gz: gzipSync(bytes, { level: 9 }).length }
  })
  return { files, ...times }
}

try {
  const started = performance.now()
  const machine = `${cpus()[0].model.trim()}, ${cpus().length} cores`
  const inNode = await measureNode()
  const executablePath = findChromium()
  const inBrowser = executablePath ? await measureBrowser(executablePath) : null
  say('the page itself ...')
  const page = executablePath ? await firstLoad(executablePath) : null
  say('the graph ...')
  const graph = executablePath ? await graphFrames(executablePath) : null
  const text = table({ machine, node: inNode, browser: inBrowser, page, graph, clock, shared: there.length > 0 })
  say(`measured in ${((performance.now() - started) / 60_000).toFixed(1)} minutes`)
  console.log(text)
  if (process.argv.includes('--write')) {
    mkdirSync(join(root, 'docs/bench'), { recursive: true })
    writeFileSync(join(root, 'docs/bench/latest.md'), `# Benchmark\n\n${text}`)
    const readme = join(root, 'README.md')
    const between = /<!-- bench -->[\s\S]*?(?=\n## )/
    writeFileSync(
      readme,
      readFileSync(readme, 'utf8').replace(between, () => `<!-- bench -->\n\n${text}`),
    )
  }
} finally {
  rmSync(temporary, { recursive: true, force: true })
}
