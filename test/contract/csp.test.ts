// The policy that page, workers and service worker run under: nothing but the site's own origin.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import headers from '../../workers/headers.json' with { type: 'json' }
import { codeOf, modulesOf, root } from './source-files.ts'

const policy = new Map(
  headers['Content-Security-Policy'].split(';').map(directive => {
    const [name, ...sources] = directive.trim().split(/\s+/)
    return [name!, sources] as const
  }),
)

describe('the content security policy', () => {
  test('starts from nothing', () => {
    expect(policy.get('default-src')).toEqual(["'none'"])
  })

  test('names no origin but its own', () => {
    const allowed = ["'self'", "'none'", "'wasm-unsafe-eval'", 'blob:', 'data:']
    expect([...policy.values()].flat().filter(source => !allowed.includes(source))).toEqual([])
    expect(policy.get('connect-src')).toEqual(["'self'"])
  })

  test('allows no inline script, no eval and no inline style', () => {
    expect(policy.get('script-src')).toEqual(["'self'", "'wasm-unsafe-eval'"])
    expect(policy.get('style-src')).toEqual(["'self'"])
    expect(policy.has('style-src-attr')).toBe(false)
  })

  test('of what a device has, this page may use camera, microphone, screen and the writing of the clipboard; no other page may', () => {
    const features = headers['Permissions-Policy'].split(', ').map(feature => feature.split('='))
    const allowed = features.filter(([, origins]) => origins !== '()')
    expect(allowed).toEqual([
      ['camera', '(self)'],
      ['microphone', '(self)'],
      ['screen-wake-lock', '(self)'],
      ['clipboard-write', '(self)'],
    ])
    const refused = features.filter(([, origins]) => origins === '()').map(([name]) => name)
    expect(refused).toEqual(
      expect.arrayContaining(['geolocation', 'display-capture', 'usb', 'serial', 'clipboard-read']),
    )
  })

  test('isolation is asked for beside it', () => {
    expect(headers['Cross-Origin-Opener-Policy']).toBe('same-origin')
    expect(headers['Cross-Origin-Embedder-Policy']).toBe('require-corp')
  })

  test('the page has no inline script or style that it would block', () => {
    const html = readFileSync(join(root, 'index.html'), 'utf8')
    expect(html).not.toMatch(/<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/)
  })

  test('no component has a static style attribute, which Solid would write into its template', () => {
    const wrong = modulesOf(['src/ui']).filter(path => /\sstyle="/.test(codeOf(path)))
    expect(wrong).toEqual([])
  })
})
