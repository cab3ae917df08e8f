// The report as one page: all that a reader needs, nothing that loads anything.
import { describe, expect, test } from 'vitest'
import { en } from '../../src/ui/i18n/words/en/index.ts'
import { zh } from '../../src/ui/i18n/words/zh/index.ts'
import { reportPage } from '../../src/ui/state/report-page.ts'
import { reportOf, residualGraph, variantOf } from './fake-api.ts'

const graph = residualGraph(9)
const report = reportOf(graph)
const page = {
  project: {
    name: 'resnet <20>',
    variants: [variantOf(graph)],
    calibration: {
      name: 'calib',
      size: 128,
      labels: null,
      skipped: [],
      suspicious: [],
      loose: false,
      recorded: false,
      byHand: null,
    },
    evaluation: null,
    input: { inputs: {} },
  },
  variant: variantOf(graph),
  report,
}
const english = { words: en, locale: 'en' as const, say: (text: string) => text, step: (id: string) => id }

describe('the page', () => {
  const text = reportPage(page, english)

  test('loads nothing, and its policy would not let it', () => {
    expect(text).not.toMatch(/<(script|img|link|iframe|object)|url\(|@import|src=|href=/)
    expect(text).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`)
  })
  test('names of a person’s own are text', () => {
    expect(text).toContain('<h1>resnet &lt;20&gt;: int8/uint8</h1>')
    expect(text).not.toContain('resnet <20>')
  })
  test('has both accuracies with their intervals, sizes with the change, every layer, every file', () => {
    expect(text).toContain('91.73\u00a0% (89.7–93.4)')
    expect(text).toContain('91.61\u00a0% (89.5–93.3)')
    expect(text).toContain('−71\u00a0%')
    for (const { node } of report.layers) expect(text).toContain(node)
    for (const { sha256 } of report.bundles[0]!.files) expect(text).toContain(sha256)
    for (const note of report.notes) expect(text).toContain(note)
  })
  test('the worst layer is on top', () => {
    const worst = [...report.layers].sort((a, b) => a.cumulativeSqnrDb! - b.cumulativeSqnrDb!)
    const places = worst.map(({ node }) => text.indexOf(`<th scope="row">${node}</th>`))
    expect(places).toEqual([...places].sort((a, b) => a - b))
  })
  test('equal results give equal bytes', () => {
    expect(reportPage(page, english)).toBe(text)
  })
  test('is in Chinese where the page is', () => {
    const chinese = reportPage(page, { words: zh, locale: 'zh', say: () => '一句话', step: id => id })
    expect(chinese).toContain('<html lang="zh-CN">')
    expect(chinese).toContain(zh.result.layers)
    expect(chinese).toContain('一句话')
  })
})
