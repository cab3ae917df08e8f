// Which room may import which: the table of docs/architecture.md as data, held against every import there is.
import { describe, expect, test } from 'vitest'
import { codeOf, importsOf, modulesOf, withoutComments } from './source-files.ts'

/** `types` may be imported with `import type` only; '*' is any room. */
interface Room {
  may: readonly string[]
  types?: readonly string[]
}

const base = 'src/base'
const ir = ['src/ir', base]
const ops = ['src/ops', ...ir]
const stage: Room = { may: ops }
const stages = [
  'src/stages/inspect',
  'src/stages/passes',
  'src/stages/observe',
  'src/stages/estimate',
  'src/stages/calibrate',
  'src/stages/quantize',
  'src/stages/simulate',
  'src/stages/prune',
  'src/stages/factorize',
  'src/stages/train',
  'src/stages/evaluate',
  'src/stages/diagnose',
  'src/stages/search',
]

/** What the steps of a recipe join. */
const joined = ['src/recipe/state.ts', ...stages, 'src/data', 'src/tasks', 'src/targets', ...ops]
/** Where a model comes from and goes to. */
const ends = ['src/importers', 'src/exporters', 'src/formats']
/** The two doors, command line and worker, open files, make a context and call a job. */
const door = [
  'src/jobs',
  'src/recipe',
  'src/recipe/steps',
  ...ends,
  'src/targets',
  'src/data',
  'kernels',
  'src/stages/inspect',
  ...ops,
]

const rooms: Record<string, Room> = {
  'src/base': { may: [] },
  'src/ir': { may: [base], types: ['kernels'] },
  'src/ops': { may: ir },
  'src/formats': { may: [base] },
  'src/importers': { may: ['src/formats', ...ops] },
  'src/exporters': { may: ['src/formats', ...ops], types: ['src/stages/passes', 'src/targets', 'src/data'] },
  'src/targets': { may: ir, types: ['src/exporters', 'src/stages/passes'] },
  'src/data': { may: ['src/formats', ...ir] },
  'src/tasks': { may: ir },
  'src/stages/inspect': stage,
  'src/stages/passes': stage,
  'src/stages/observe': stage,
  'src/stages/estimate': stage,
  'src/stages/calibrate': { may: ir },
  'src/stages/quantize': stage,
  'src/stages/simulate': stage,
  'src/stages/prune': stage,
  'src/stages/factorize': stage,
  'src/stages/train': stage,
  'src/stages/evaluate': { may: ['src/tasks', ...ops], types: ['src/jobs/report.ts'] },
  'src/stages/diagnose': { may: ir },
  'src/stages/search': { may: ir },
  'src/recipe/steps': { may: ['src/exporters', ...joined], types: ['src/jobs/report.ts'] },
  'src/recipe': { may: ['src/recipe/steps', ...joined], types: ['src/jobs/report.ts'] },
  'src/jobs': { may: ['src/recipe', 'src/recipe/steps', ...ends, 'src/stages/evaluate', ...joined] },
  'src/host': { may: ['kernels', ...ir], types: ['src/data', 'src/jobs'] },
  'src/host/browser': { may: ['src/host', 'src/data/codecs.ts', 'kernels', ...ir], types: ['src/data', 'src/jobs'] },
  'src/host/node': { may: ['src/host', 'src/data/codecs.ts', 'kernels', ...ir], types: ['src/data', 'src/jobs'] },
  'src/cli': { may: ['src/host/node', ...door], types: ['*'] },
  'src/ui': { may: ['workers/client.ts', 'workers/layout.worker.ts', base], types: ['*'] },
  workers: { may: ['src/host', 'src/host/browser', 'src/ui/graph/layout.ts', ...door], types: ['*'] },
  kernels: { may: [base], types: ['src/ir'] },
}

/** Packages by room; the rooms that are not named may use none. */
const packages: Record<string, readonly string[]> = {
  'src/base': ['@noble/hashes/', 'valibot'],
  'src/formats': ['fflate', 'flatbuffers', 'saxes'],
  'src/data': ['@jsquash/', 'valibot'],
  'src/tasks': ['valibot'],
  'src/recipe': ['valibot'],
  'src/recipe/steps': ['valibot'],
  'src/host': ['onnxruntime-common', 'comlink'],
  'src/host/browser': ['onnxruntime-web/', '@jsquash/', 'comlink', 'idb-keyval', 'client-zip'],
  'src/host/node': ['onnxruntime-web', '@jsquash/', 'comlink', 'node:'],
  'src/cli': ['node:', 'picocolors'],
  'src/ui': ['solid-js', '@tanstack/solid-virtual'],
  workers: ['comlink', 'client-zip', 'valibot', 'virtual:catalogue'],
}

const roomOf = (path: string): string | undefined =>
  Object.keys(rooms)
    .filter(room => path === room || path.startsWith(`${room}/`))
    .sort((a, b) => b.length - a.length)[0]

const within = (path: string, places: readonly string[]): boolean =>
  places.some(place => place === '*' || place === path || place === roomOf(path))

const modules = modulesOf(['src', 'workers', 'kernels']).filter(path => !path.endsWith('/simd.ts'))

describe('the rooms', () => {
  test('the test saw the project', () => {
    expect(modules.length).toBeGreaterThan(50)
    expect(modules.flatMap(importsOf).length).toBeGreaterThan(150)
  })

  test('every module is in a room', () => {
    expect(modules.filter(path => !roomOf(path))).toEqual([])
  })

  test('a room imports only what the table allows', () => {
    const wrong: string[] = []
    for (const path of modules) {
      const room = roomOf(path)!
      for (const { to, local, typeOnly } of importsOf(path)) {
        if (!local) continue
        const target = roomOf(to)
        if (target === undefined || target === room) continue
        const { may, types = [] } = rooms[room]!
        if (!within(to, may) && !(typeOnly && within(to, types)))
          wrong.push(`${path} imports ${typeOnly ? 'type ' : ''}${to}`)
      }
    }
    expect(wrong).toEqual([])
  })

  test('a room uses only its packages', () => {
    const wrong: string[] = []
    for (const path of modules) {
      const allowed = packages[roomOf(path)!] ?? []
      for (const { to, local } of importsOf(path)) {
        if (
          local ||
          allowed.some(
            name =>
              to === name ||
              (name.endsWith('/') || name.endsWith(':') ? to.startsWith(name) : to.startsWith(`${name}/`)),
          )
        )
          continue
        wrong.push(`${path} uses ${to}`)
      }
    }
    expect(wrong).toEqual([])
  })

  test('every local import names a module that is there', () => {
    const known = new Set(modules)
    const missing = modules.flatMap(path =>
      importsOf(path)
        .filter(({ to, local }) => local && /\.tsx?$/.test(to) && roomOf(to) && !known.has(to))
        .map(({ to }) => `${path} imports ${to}`),
    )
    expect(missing).toEqual([])
  })

  test('no module imports itself by a detour, not even its types', () => {
    expect(cycles()).toEqual([])
  })
})

/** Each cycle once, as a path of modules. */
function cycles(): string[] {
  const edges = new Map(modules.map(path => [path, importsOf(path).flatMap(({ to, local }) => (local ? [to] : []))]))
  const state = new Map<string, 'open' | 'done'>()
  const found: string[] = []
  const visit = (path: string, trail: readonly string[]): void => {
    if (state.get(path) === 'done' || !edges.has(path)) return
    if (state.get(path) === 'open') {
      found.push([...trail.slice(trail.indexOf(path)), path].join(' -> '))
      return
    }
    state.set(path, 'open')
    for (const to of edges.get(path)!) visit(to, [...trail, path])
    state.set(path, 'done')
  }
  for (const path of modules) visit(path, [])
  return found
}

describe('the core', () => {
  const platform = ['src/host', 'src/host/browser', 'src/host/node', 'src/cli', 'src/ui', 'workers']
  const core = modules.filter(path => !platform.includes(roomOf(path)!))

  test('takes only arithmetic that is the same in every engine', () => {
    const differs =
      /Math\.(exp|expm1|log|log2|log10|log1p|pow|sin|cos|tan|asin|acos|atan|atan2|sinh|cosh|tanh|asinh|acosh|atanh|cbrt|hypot|random)\b|[\w)\]]\s*\*\*=?\s*[\w(]/
    const wrong = core.filter(path => differs.test(withoutComments(codeOf(path))))
    expect(wrong).toEqual([])
  })

  test('has no clock, no locale and no network', () => {
    const impure =
      /\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b|\bfetch\(|\btoLocale\w+\(|\bIntl\.|\blocaleCompare\(|\bXMLHttpRequest\b|\bWebSocket\b/
    const wrong = core.filter(path => impure.test(withoutComments(codeOf(path))))
    expect(wrong).toEqual([])
  })
})
