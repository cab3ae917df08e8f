// A static file server of Node alone: what `npm start` and the browser tests serve the built site with.
// `headers: false` and `prefix` make it the plainest host there is, under a path of its own.
import { createReadStream, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join, normalize, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const isolation = JSON.parse(readFileSync(new URL('../workers/headers.json', import.meta.url), 'utf8'))

const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.wasm': 'application/wasm',
}

/** Serves a folder on 127.0.0.1; resolves to its address and a way to stop. Port 0 is any free one. */
export async function serve(root, { port = 0, headers = true, prefix = '/', onRequest = () => {} } = {}) {
  const base = normalize(root)
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url, 'http://localhost').pathname)
    onRequest(path)
    const file = path.startsWith(prefix) ? normalize(join(base, path.slice(prefix.length) || 'index.html')) : null
    const stat = file?.startsWith(base + sep) ? statSync(file, { throwIfNoEntry: false }) : undefined
    const own = headers ? isolation : {}
    if (!stat?.isFile()) {
      response.writeHead(404, { ...own, 'Content-Type': 'text/plain' }).end('not found')
      return
    }
    response.writeHead(200, {
      ...own,
      'Content-Type': types[extname(file)] ?? 'application/octet-stream',
      'Content-Length': stat.size,
      'Cache-Control': 'no-cache',
    })
    if (request.method === 'HEAD') response.end()
    else createReadStream(file).pipe(response)
  })
  await listen(server, port)
  return {
    url: `http://127.0.0.1:${server.address().port}${prefix}`,
    close: () => {
      server.closeAllConnections()
      return new Promise(done => server.close(done))
    },
  }
}

/** Listens on `port`, or on the first of the ten after it that is free. */
async function listen(server, port) {
  for (let attempt = 0; ; attempt++) {
    try {
      await new Promise((done, failed) => {
        server.once('error', failed)
        server.listen(port === 0 ? 0 : port + attempt, '127.0.0.1', () => {
          server.off('error', failed)
          done()
        })
      })
      return
    } catch (error) {
      if (error.code !== 'EADDRINUSE' || attempt === 10) throw error
    }
  }
}

export const siteFolder = fileURLToPath(new URL('../dist/site', import.meta.url))
