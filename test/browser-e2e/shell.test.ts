// The shell of the studio in a real Chromium: isolation, the policy, and life without a network.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openStudio, type Studio, type StudioOptions } from './studio.ts'

let studio: Studio | null = null
const open = async (options?: StudioOptions): Promise<Studio> => (studio = await openStudio(options))
afterEach(async () => {
  await studio?.close()
  studio = null
})

const shown = (page: Studio['page']) => page.locator('#app > *').first().waitFor()

describe('the site on its own server', () => {
  test('loads isolated, asks for nothing outside and reports no error', async () => {
    const { page, foreign, errors } = await open()
    await shown(page)
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true)
    expect(await page.evaluate(() => 'RTCPeerConnection' in window)).toBe(false)
    expect(foreign).toEqual([])
    expect(errors).toEqual([])
  })

  test('works with the server gone after the first load', async () => {
    const { page, cutNetwork, offlineReady, foreign } = await open()
    await shown(page)
    await offlineReady()
    await cutNetwork()
    await page.reload()
    await shown(page)
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true)
    expect(foreign).toEqual([])
  })

  test('every file of the manifest is there', async () => {
    const { page, url } = await open()
    const missing = await page.evaluate(async base => {
      const manifest = await (await fetch(`${base}manifest.webmanifest`)).json()
      const icons = manifest.icons as { src: string }[]
      const found = await Promise.all(icons.map(async ({ src }) => ((await fetch(base + src)).ok ? null : src)))
      return found.filter(Boolean)
    }, url)
    expect(missing).toEqual([])
  })
})

describe('the site on a host without headers, under a path', () => {
  test('is isolated by its service worker after one reload, in page and threads', async () => {
    const { page, errors } = await open({ headers: false, prefix: '/some/where/' })
    await page.waitForFunction(() => crossOriginIsolated, undefined, { timeout: 30_000 })
    await shown(page)
    const headers = await page.evaluate(async () => {
      const { headers } = await fetch('./index.html')
      return ['content-security-policy', 'cross-origin-embedder-policy'].map(name => headers.get(name))
    })
    expect(headers[0]).toContain("connect-src 'self'")
    expect(headers[1]).toBe('require-corp')
    expect(errors).toEqual([])
  })

  test('works with the server gone', async () => {
    const { page, cutNetwork, offlineReady } = await open({ headers: false, prefix: '/some/where/' })
    await page.waitForFunction(() => crossOriginIsolated, undefined, { timeout: 30_000 })
    await offlineReady()
    await cutNetwork()
    await page.reload()
    await shown(page)
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true)
  })
})

/** Each way out that a script has, tried in page and worker alike; as text, since the test runner rewrites `import`. */
const tryToLeave = (away: string): string => `(async () => {
  const blocked = promise => promise.then(() => 'left', () => 'blocked')
  return {
    fetch: await blocked(fetch('http://${away}/', { mode: 'no-cors' })),
    script: await blocked(import('http://${away}/x.js')),
    socket: await blocked(new Promise((done, failed) => {
      const socket = new WebSocket('ws://${away}/')
      socket.onopen = done
      socket.onerror = failed
    })),
  }
})()`

describe.each([
  ['its own server', {}],
  ['a host without headers', { headers: false, prefix: '/a/' }],
])('nothing leaves, on %s', (_, options) => {
  // A neighbour that would answer anything, and remembers who knocked.
  let neighbour: Server
  let away = ''
  const knocks: string[] = []
  beforeAll(async () => {
    neighbour = createServer((request, response) => {
      knocks.push(`${request.method} ${request.url}`)
      response
        .writeHead(200, { 'Access-Control-Allow-Origin': '*', 'Cross-Origin-Resource-Policy': 'cross-origin' })
        .end()
    })
    await new Promise<void>(done => neighbour.listen(0, '127.0.0.1', done))
    away = `127.0.0.1:${(neighbour.address() as AddressInfo).port}`
  })
  beforeEach(() => void knocks.splice(0))
  afterAll(() => void neighbour.close())

  const blocked = { fetch: 'blocked', socket: 'blocked', script: 'blocked' }

  test('from the page', async () => {
    const { page, foreign } = await open(options)
    await page.waitForFunction(() => crossOriginIsolated, undefined, { timeout: 30_000 })
    expect(await page.evaluate(tryToLeave(away))).toEqual(blocked)
    const image = await page.evaluate(
      address =>
        new Promise(done => {
          const picture = new Image()
          picture.onload = () => done('left')
          picture.onerror = () => done('blocked')
          picture.src = `http://${address}/x.png`
          navigator.sendBeacon(`http://${address}/beacon`, 'x')
        }),
      away,
    )
    expect(image).toBe('blocked')
    await page.waitForTimeout(500)
    expect(knocks).toEqual([])
    expect(foreign).toEqual([])
  })

  test('from a thread', async () => {
    const { page, foreign } = await open(options)
    await page.waitForFunction(() => crossOriginIsolated, undefined, { timeout: 30_000 })
    await shown(page)
    await expect.poll(() => page.workers().length, { timeout: 10_000 }).toBeGreaterThan(0)
    for (const thread of page.workers()) expect(await thread.evaluate(tryToLeave(away))).toEqual(blocked)
    expect(knocks).toEqual([])
    expect(foreign).toEqual([])
  })
})
