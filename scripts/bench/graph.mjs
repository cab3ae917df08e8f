// How fluid the page's graph is: a network opened as a person opens it, then panned and zoomed by real pointer and wheel events, while
// the time from frame to frame is taken. `node scripts/bench/graph.mjs` measures it alone.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { install } from '../install.mjs'

install()
const { chromium } = await import('playwright-core')
const { chromiumArgs, findChromium } = await import('../chromium.mjs')
const { serve, siteFolder } = await import('../serve.mjs')
const { buildSite } = await import('../build.mjs')
const { buildBench, folder } = await import('./build.mjs')

/** Everything is drawn by the processor, as on a machine whose graphics the browser does not trust. */
const software = ['--disable-gpu', '--disable-gpu-compositing', '--disable-accelerated-2d-canvas']
const sizes = [1000, 5000]
const pages = { width: 1440, height: 900 }
const moves = 120

const quantile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]

/** From now on the page keeps when each frame began; gives the milliseconds between them since, at `stop`. */
const watchFrames = async page => {
  await page.evaluate(() => {
    const times = []
    globalThis.frames_ = times
    const next = now => {
      times.push(now)
      if (globalThis.frames_ === times) requestAnimationFrame(next)
    }
    requestAnimationFrame(next)
  })
  return () =>
    page.evaluate(() => {
      const times = globalThis.frames_
      globalThis.frames_ = null
      return times.slice(1).map((time, k) => time - times[k])
    })
}

/** Main-thread processor time, in milliseconds: other programs do not lengthen it. */
async function processorTime(client) {
  const { metrics } = await client.send('Performance.getMetrics')
  return 1000 * metrics.find(({ name }) => name === 'ThreadTime' || name === 'TaskDuration').value
}

/** Steps of a gesture, a frame or so apart. */
async function measured(page, client, step) {
  const stop = await watchFrames(page)
  const before = await processorTime(client)
  for (let k = 0; k < moves; k++) {
    await step(k)
    await page.waitForTimeout(8)
  }
  const busy = (await processorTime(client)) - before
  const frames = (await stop()).sort((a, b) => a - b)
  return {
    frames: frames.length,
    median: quantile(frames, 0.5),
    p95: quantile(frames, 0.95),
    busy: busy / frames.length,
  }
}

async function measureSize(executablePath, url, path) {
  const browser = await chromium.launch({ executablePath, args: [...chromiumArgs, ...software] })
  try {
    const page = await browser.newPage({ locale: 'en', viewport: pages })
    const client = await page.context().newCDPSession(page)
    await client.send('Performance.setTimeDomain', { timeDomain: 'threadTicks' })
    await client.send('Performance.enable')
    await page.goto(url)
    await page.getByTestId('pick-model').locator('input').setInputFiles(path)
    const canvas = page.locator('.graph-canvas')
    await canvas.waitFor({ timeout: 120_000 })
    await canvas.scrollIntoViewIfNeeded()
    await canvas.focus()
    await page.keyboard.press(']')
    await page.waitForTimeout(3000)
    const box = await canvas.boundingBox()
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2]
    await page.mouse.move(x, y)
    const drag = async k => {
      if (k === 0) await page.mouse.down()
      await page.mouse.move(x + 60 * Math.sin(k / 6), y - 3 * k + 40 * Math.sin(k / 4))
      if (k === moves - 1) await page.mouse.up()
    }
    const wheel = k => page.mouse.wheel(0, k % 60 < 30 ? 90 : -60)
    const zoom = async k => {
      if (k === 0) await page.keyboard.down('Control')
      await page.mouse.wheel(0, k % 40 < 20 ? 40 : -40)
      if (k === moves - 1) await page.keyboard.up('Control')
    }
    const found = {}
    found['drag, names and figures'] = await measured(page, client, drag)
    found['wheel, names and figures'] = await measured(page, client, wheel)
    await page.mouse.move(x, y)
    found['zoom out and in'] = await measured(page, client, zoom)
    await canvas.focus()
    await page.keyboard.press('f')
    await page.waitForTimeout(500)
    found['drag, all in sight'] = await measured(page, client, drag)
    found['zoom, from all in sight'] = await measured(page, client, zoom)
    return found
  } finally {
    await browser.close()
  }
}

/** Figures for each size: by gesture the median and the 95th percentile of a frame, and the main thread's own time in it. */
export async function graphFrames(executablePath = findChromium()) {
  const temporary = mkdtempSync(join(tmpdir(), 'thimble-graph-'))
  const server = await serve(siteFolder)
  const found = []
  try {
    for (const nodes of sizes) {
      const path = join(temporary, `deep-${nodes}.onnx`)
      execFileSync(process.execPath, [
        join(folder, 'node/node.mjs'),
        JSON.stringify({ task: 'make-deep', path, nodes }),
      ])
      found.push({ nodes, found: await measureSize(executablePath, server.url, path) })
    }
    return found
  } finally {
    await server.close()
    rmSync(temporary, { recursive: true, force: true })
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await buildSite()
  await buildBench()
  for (const { nodes, found } of await graphFrames())
    for (const [gesture, { frames, median, p95, busy }] of Object.entries(found))
      console.log(
        `${nodes} nodes, ${gesture}: median ${median.toFixed(1)} ms, 95 % ${p95.toFixed(1)} ms, main thread ${busy.toFixed(1)} ms a frame (${frames} frames)`,
      )
}
