// Puts node_modules in the state that package-lock.json asks for; does nothing when it already is.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

const lock = path => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')).packages

/** npm's own record of what it installed, against the lock file; optional packages of other platforms may be missing. */
function isInstalled() {
  let installed
  try {
    installed = lock('../node_modules/.package-lock.json')
  } catch {
    return false
  }
  return Object.entries(lock('../package-lock.json')).every(
    ([path, wanted]) =>
      path === '' || (installed[path] ? installed[path].version === wanted.version : wanted.optional === true),
  )
}

/** Installs what is missing; npm's words go to stderr, so that stdout stays the caller's. */
export function install() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(`Thimble needs Node 20.19 or newer; this is ${process.version}. Get one from https://nodejs.org.`)
    process.exit(1)
  }
  if (isInstalled()) return
  console.error('Installing what package-lock.json names ...')
  // `shell` since npm is a script of its own kind on Windows.
  const { status } = spawnSync('npm ci --no-audit --no-fund', { cwd: root, shell: true, stdio: ['ignore', 2, 2] })
  if (status !== 0) {
    console.error('npm ci failed: see its words above. It needs the network or a filled npm cache once.')
    process.exit(1)
  }
}
