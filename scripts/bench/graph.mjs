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
const viewport = { width: 1440, height: 900 }
const moves = 240

const quantile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]

/** The page notes when it draws the graph: each drawing begins with a cleared canvas. */
const noteDrawings = () => {
  const { clearRect } = CanvasRenderingContext2D.prototype
  CanvasRenderingContext2D.prototype.clearRect = function (...box) {
    if (this.canvas.classList.contains('graph-canvas')) globalThis.drawn_ = true
    clearRect.apply(this, box)
  }
}

/** From now on the page keeps when each frame began; gives, at `stop`, how many there were, and milliseconds of those in which the graph was drawn. */
const watchFrames = async page => {
  await page.evaluate(() => {
    const frames = []
    globalThis.frames_ = frames
    const next = time => {
      frames.push({ time, drawn: globalThis.drawn_ })
      globalThis.drawn_ = false
      if (globalThis.frames_ === frames) requestAnimationFrame(next)
    }
    requestAnimationFrame(next)
  })
  return () =>
    page.evaluate(() => {
      const frames = globalThis.frames_
      globalThis.frames_ = null
      // Drawn in the frame itself, before or after it was noted.
      const lasted = frames
        .slice(1)
        .map(({ time, drawn }, k) => (drawn || frames[k].drawn ? time - frames[k].time : null))
      return { all: lasted.length, drawn: lasted.filter(time => time !== null) }
    })
}

/** Main-thread processor time, in milliseconds: other programs do not lengthen it. */
async function processorTime(client) {
  const { metrics } = await client.send('Performance.getMetrics')
  return 1000 * metrics.find(({ name }) => name === 'ThreadTime').value
}

/** Steps of a gesture, as fast as the browser takes them. */
async function measured(page, client, [x, y], step) {
  await page.mouse.move(x, y)
  const stop = await watchFrames(page)
  const before = await processorTime(client)
  for (let k = 0; k < moves; k++) await step(k)
  const busy = (await processorTime(client)) - before
  const { all, drawn } = await stop()
  const frames = drawn.sort((a, b) => a - b)
  if (frames.length < all / 8)
    throw new Error(`The graph was drawn in ${frames.length} of ${all} frames only: it did not follow.`)
  return {
    median: quantile(frames, 0.5),
    p95: quantile(frames, 0.95),
    busy: busy / frames.length,
  }
}

async function measureSize(executablePath, url, path) {
  const browser = await chromium.launch({ executablePath, args: [...chromiumArgs, ...software] })
  try {
    const page = await browser.newPage({ locale: 'en', viewport })
    const client = await page.context().newCDPSession(page)
    await client.send('Performance.setTimeDomain', { timeDomain: 'threadTicks' })
    await client.send('Performance.enable')
    await page.addInitScript(noteDrawings)
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
    const drag = async k => {
      if (k === 0) await page.mouse.down()
      await page.mouse.move(x + 80 * Math.sin(k / 6), y + 120 * Math.sin(k / 15))
      if (k === moves - 1) await page.mouse.up()
    }
    const wheel = k => page.mouse.wheel(0, k % 60 < 30 ? 90 : -60)
    const zoom = async k => {
      if (k === 0) await page.keyboard.down('Control')
      await page.mouse.wheel(0, k % 40 < 20 ? 40 : -40)
      if (k === moves - 1) await page.keyboard.up('Control')
    }
    const found = {}
    found['drag, names and figures'] = await measured(page, client, [x, y], drag)
    found['wheel, names and figures'] = await measured(page, client, [x, y], wheel)
    found['zoom out and in'] = await measured(page, client, [x, y], zoom)
    await canvas.focus()
    await page.keyboard.press('f')
    await page.waitForTimeout(500)
    found['drag, all in sight'] = await measured(page, client, [x, y], drag)
    found['zoom, from all in sight'] = await measured(page, client, [x, y], zoom)
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
  const { graphLines } = await import('./table.mjs')
  console.log(graphLines(await graphFrames()))
}
