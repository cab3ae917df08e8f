// `npm start`: installs and builds what is missing, serves the studio on this machine, and opens it where there is a desktop.
import { spawn } from 'node:child_process'
import { install } from './install.mjs'

install()
const { buildSite } = await import('./build.mjs')
const { serve, siteFolder } = await import('./serve.mjs')

console.log('Building ...')
await buildSite()
const { url } = await serve(siteFolder, { port: Number(process.env.PORT ?? 4173) })
console.log(`Thimble is at ${url} (Ctrl-C stops it)`)
openDesktop(url)

function openDesktop(address) {
  if (process.env.CI || process.env.BROWSER === 'none' || process.env.SSH_CONNECTION) return
  const { platform } = process
  if (platform === 'linux' && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY) return
  const [command, ...args] =
    platform === 'darwin' ? ['open'] : platform === 'win32' ? ['cmd', '/c', 'start', ''] : ['xdg-open']
  const opener = spawn(command, [...args, address], { stdio: 'ignore', detached: true })
  // The address is printed already: a desktop without an opener is no failure.
  opener.on('error', () => console.log('Open that address in your browser.'))
  opener.unref()
}
