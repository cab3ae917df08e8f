// Both languages say everything, and say it in their own words.
import { expect, test } from 'vitest'
import { errorCodes } from '../../src/base/errors.ts'
import { firstLanguage, inLanguage } from '../../src/ui/i18n/index.ts'
import { en } from '../../src/ui/i18n/words/en/index.ts'
import { zh } from '../../src/ui/i18n/words/zh/index.ts'

/** Paths of all words, functions called with samples; the labels of steps and options may differ, since ids fall back. */
function words(value: unknown, path = ''): [string, string][] {
  if (typeof value === 'string') return [[path, value]]
  if (typeof value === 'function') return [[path, String(value(2, '7'))]]
  return Object.entries(value as object)
    .filter(([key]) => !['stepLabel', 'optionLabel', 'presetLabel'].includes(key))
    .flatMap(([key, inner]) => words(inner, `${path}.${key}`))
}

test('both languages have the same words', () => {
  expect(words(zh).map(([path]) => path)).toEqual(words(en).map(([path]) => path))
})
test('no word is empty', () => {
  for (const dictionary of [en, zh]) expect(words(dictionary).filter(([, text]) => text.trim() === '')).toEqual([])
})
test('the Chinese words are Chinese, but for names and units', () => {
  const kept = words(zh)
    .filter(([, text]) => !/[\u4e00-\u9fff]/.test(text))
    .map(([, text]) => text)
  const names = ['Thimble', 'WebGPU', 'SIMD', 'WASM', 'JSON', 'Top-1', 'Top-5', 'SHA-256', 'scale', 'mean', 'std']
  expect(kept.filter(text => !names.includes(text) && !/^[\d\s/×.·]+$/.test(text))).toEqual([])
})
test('the English words hold no Chinese', () => {
  expect(words(en).filter(([, text]) => /[\u4e00-\u9fff]/.test(text))).toEqual([])
})
test('every error code has its reason in both languages', () => {
  for (const dictionary of [en, zh])
    expect(Object.keys(dictionary.error.because).sort()).toEqual([...errorCodes].sort())
})
test('the first language is the one chosen before, else the first known of the browser, else English', () => {
  expect(firstLanguage('zh', ['en-US'])).toBe('zh')
  expect(firstLanguage(null, ['fr-FR', 'zh-Hans-CN', 'en'])).toBe('zh')
  expect(firstLanguage('xx', ['de'])).toBe('en')
})
test('words of a sample may be in one language or in both', () => {
  expect(inLanguage('Digits', 'zh')).toBe('Digits')
  expect(inLanguage({ en: 'Digits', zh: '数字' }, 'zh')).toBe('数字')
})
