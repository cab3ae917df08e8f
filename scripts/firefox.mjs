// What holds in Firefox: builds, serves the site, drives a Firefox as it is installed (WebDriver BiDi) through the main job,
// with the server and without it, and compares its bundles with those of the command line. `npm run firefox -- [screenshot.png]`
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, sep } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { unzipSync } from 'fflate'
import { install, root } from './install.mjs'
import { serve, siteFolder } from './serve.mjs'

/** Path of a Firefox, or null: FIREFOX, or one of the usual places. */
export function findFirefox() {
  const places = [
    process.env.FIREFOX,
    '/usr/bin/firefox-esr',
    '/usr/bin/firefox',
    '/Applications/Firefox.app/Contents/MacOS/firefox',
    'C:\\Program Files\\Mozilla Firefox\\firefox.exe',
  ]
  return places.find(path => path && existsSync(path)) ?? null
}

const at = testid => `[data-testid="${testid}"]`
const patience = { timeout: 400_000 }

/** A fresh profile of Firefox on a fresh server. */
async function openFirefox(executablePath, { headers = true } = {}) {
  const { default: puppeteer } = await import('puppeteer-core')
  const server = await serve(siteFolder, { headers })
  const downloads = mkdtempSync(join(tmpdir(), 'thimble-firefox-'))
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath,
    headless: true,
    defaultViewport: { width: 1280, height: 800 },
    extraPrefsFirefox: {
      'browser.download.dir': downloads,
      'browser.download.folderList': 2, // the folder above
      'intl.accept_languages': 'en',
    },
  })
  const errors = []
  let serving = true
  return {
    url: server.url,
    version: await browser.version(),
    downloads,
    errors,
    async newPage(address = server.url) {
      const page = await browser.newPage()
      page.on('pageerror', error => errors.push(String(error)))
      page.on('console', message => {
        if (message.type() === 'error') errors.push(message.text())
      })
      await page.goto(address)
      return page
    },
    async stopServer() {
      if (serving) await server.close()
      serving = false
    },
    async close() {
      await browser.close()
      await this.stopServer()
      rmSync(downloads, { recursive: true, force: true })
    },
  }
}

/** In front first: a tab in the background draws no frames, and what does not move is only known by frames. */
async function click(page, selector) {
  await page.bringToFront()
  await page.locator(selector).setTimeout(30_000).click()
}

const words = (page, testid) => page.$eval(at(testid), element => element.textContent)

/** Waits for the result; what ends the wait otherwise is said with the page's own words. */
async function finished(page) {
  await page.bringToFront()
  for (const end = Date.now() + patience.timeout; !(await page.$(at('agreement'))); await sleep(200)) {
    if (await page.$(at('error-panel'))) throw new Error(await words(page, 'error-panel'))
    if (Date.now() > end) throw new Error(`no result in time; the page says: ${await words(page, 'status-line')}`)
  }
}

async function runSample(page, id) {
  await click(page, at(`sample-${id}`))
  await finished(page)
}

/** Saves the bundle as a person does, and reads the zip that Firefox has written. */
async function saveBundle(page, downloads) {
  const before = new Set(readdirSync(downloads))
  await click(page, at('place-export'))
  await click(page, at('save-bundle-onnxruntime'))
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(100)) {
    const fresh = readdirSync(downloads).filter(name => !before.has(name))
    const zip = fresh.find(name => name.endsWith('.zip') && statSync(join(downloads, name)).size > 0)
    // Firefox writes beside the file, into a `.part`, until all is there.
    if (zip && !fresh.some(name => name.endsWith('.part'))) return unzipSync(readFileSync(join(downloads, zip)))
  }
  throw new Error('no zip was saved within a minute')
}

/** The same job on the command line; the bundle's files by path. */
function onCommandLine(id, dataFiles) {
  const sample = name => join(siteFolder, 'samples', id, name)
  const out = mkdtempSync(join(tmpdir(), 'thimble-cli-'))
  const data = ['--data', sample(dataFiles[0]), '--eval', sample(dataFiles[1]), '--input', sample('input.json')]
  const cli = join(root, 'dist/cli/thimble.mjs')
  execFileSync(
    process.execPath,
    [cli, 'compress', sample('model.onnx'), ...data, '--device', 'wasm', '--out', out, '--force'],
    { stdio: 'pipe' },
  )
  const bundle = join(out, 'onnxruntime')
  const files = readdirSync(bundle, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  const read = files.map(entry => {
    const path = join(entry.parentPath, entry.name)
    return [relative(bundle, path).split(sep).join('/'), new Uint8Array(readFileSync(path))]
  })
  rmSync(out, { recursive: true })
  return Object.fromEntries(read)
}

/** Says how many files are the same to the byte, and throws the names of those that are not. */
function sameBytes(a, b) {
  const paths = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort()
  const other = paths.filter(path => !a[path] || !b[path] || Buffer.compare(a[path], b[path]) !== 0)
  if (other.length > 0) throw new Error(`these differ: ${other.join(', ')}`)
  return `${paths.length} files`
}

async function storeAll(page) {
  const problem = await page.evaluate(async () => {
    const { active } = await navigator.serviceWorker.ready
    const channel = new MessageChannel()
    const answer = new Promise(done => {
      channel.port1.onmessage = event => done(event.data)
    })
    active.postMessage('fill', [channel.port2])
    return answer
  })
  if (problem) throw new Error(problem)
}

/** Leaves the page, and every thread with it, as soon as its status line begins with `stage`. */
const leaveAt = (page, stage) =>
  page.evaluate(wanted => {
    const look = () => {
      const line = document.querySelector('[data-testid=status-line]')?.textContent ?? ''
      if (line.startsWith(wanted)) location.replace('about:blank')
    }
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true })
  }, stage)

/**
 * Does the whole of it, and prints and resolves to one row for each thing that should hold: what, whether it held, and a figure
 * or the reason. `picture` is where a screenshot of the result goes.
 */
export async function tryFirefox(executablePath, { picture } = {}) {
  const rows = []
  const step = async (what, work) => {
    const row = { what, held: true, detail: '' }
    try {
      row.detail = String((await work()) ?? '')
    } catch (error) {
      Object.assign(row, { held: false, detail: String(error?.message ?? error).slice(0, 300) })
    }
    rows.push(row)
    console.log(`  ${row.held ? 'held  ' : 'FAILED'}  ${what.padEnd(56)}  ${row.detail}`)
  }

  const firefox = await openFirefox(executablePath)
  const { downloads, errors } = firefox
  console.log(firefox.version)
  try {
    const page = await firefox.newPage()
    await step('the page is cross-origin isolated', async () => {
      if (!(await page.evaluate(() => crossOriginIsolated))) throw new Error('crossOriginIsolated is false')
    })
    let bundle = {}
    await step('the sample digits: one click to the result', async () => {
      await runSample(page, 'digits')
      return `top-1 ${await words(page, 'report-top1-after')}, ${/WASM.*/.exec(await words(page, 'machine'))}`
    })
    if (picture) {
      mkdirSync(dirname(picture), { recursive: true })
      await page.screenshot({ path: picture })
    }
    await step('its bundle has the bytes of the command line', async () => {
      bundle = await saveBundle(page, downloads)
      return sameBytes(bundle, onCommandLine('digits', ['calibration.npz', 'evaluation.npz']))
    })
    await step('a second tab shows it read-only', async () => {
      const second = await firefox.newPage(page.url())
      await second.waitForSelector(at('read-only'), patience)
      await second.close()
    })
    for (const stage of ['Calibrate', 'Evaluate']) {
      await step(`closed at “${stage}”, opened again: the same bytes`, async () => {
        const closed = await firefox.newPage()
        await leaveAt(closed, stage)
        await click(closed, at('sample-digits'))
        for (const end = Date.now() + patience.timeout; closed.url() !== 'about:blank'; await sleep(50))
          if (Date.now() > end) throw new Error('the status line never said so')
        await closed.close()
        const again = await firefox.newPage()
        await click(again, 'button[aria-label^="Resume"]')
        await click(again, at('run-button'))
        await finished(again)
        const same = sameBytes(await saveBundle(again, downloads), bundle)
        await again.close()
        return same
      })
    }
    await step('the whole site is stored for offline use', () => storeAll(page))
    await firefox.stopServer()
    await step('with the server stopped, it starts and is isolated', async () => {
      await page.goto(firefox.url)
      await page.waitForSelector(at('sample-digits'), patience)
      if (!(await page.evaluate(() => crossOriginIsolated))) throw new Error('crossOriginIsolated is false')
    })
    await step('with the server stopped: digits, the same bytes', async () => {
      await runSample(page, 'digits')
      return sameBytes(await saveBundle(page, downloads), bundle)
    })
    await step('with the server stopped: the sample text-lines', async () => {
      await page.goto(firefox.url)
      await runSample(page, 'text-lines')
    })
    await step('no error on the page or its console', () => {
      if (errors.length > 0) throw new Error([...new Set(errors)].join('; '))
    })
  } finally {
    await firefox.close()
  }

  const bare = await openFirefox(executablePath, { headers: false })
  try {
    await step('a host without headers: the service worker isolates', async () => {
      const page = await bare.newPage()
      await page.waitForFunction(() => crossOriginIsolated, { timeout: 30_000 })
      await runSample(page, 'digits')
    })
  } finally {
    await bare.close()
  }
  return rows
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  install()
  const { buildCli, buildSite } = await import('./build.mjs')
  const executablePath = findFirefox()
  if (!executablePath) {
    console.error('Found no Firefox. Install one (apt-get install firefox-esr), or set FIREFOX to the path of one.')
    process.exit(1)
  }
  await buildSite()
  await buildCli()
  const rows = await tryFirefox(executablePath, { picture: process.argv[2] })
  process.exit(rows.every(row => row.held) ? 0 : 1)
}
