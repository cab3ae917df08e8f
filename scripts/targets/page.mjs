// docs/targets.md: between two marks a table for each model, of what was found when it was last run. Findings are kept in .cache/targets.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../install.mjs'
import { writeBetween } from '../marked.mjs'
import { models } from './models.mjs'
import { nameOf, rows } from './rows.mjs'

const kept = join(root, '.cache/targets')
const page = join(root, 'docs/targets.md')
const marks = ['<!-- rows: written by npm run test:targets -- --page -->', '<!-- end of rows -->']
const fileOf = model => join(kept, `${model.id}.json`)
const recall = model => (existsSync(fileOf(model)) ? JSON.parse(readFileSync(fileOf(model), 'utf8')) : {})

/** A row's verdict and figures, in the place of earlier ones. */
export function keep(model, row, verdict, figures) {
  mkdirSync(kept, { recursive: true })
  writeFileSync(fileOf(model), JSON.stringify({ ...recall(model), [nameOf(row)]: { ...verdict, figures } }, null, 1))
}

export function writePage() {
  const tables = [...models.map(table), micro()].filter(part => part !== null)
  writeBetween(page, marks, tables.join('\n\n'))
}

function table(model) {
  const found = recall(model)
  const lines = rows.filter(row => found[nameOf(row)]).map(row => lineOf(nameOf(row), found[nameOf(row)]))
  if (lines.length === 0) return null
  const [one] = Object.values(found).flatMap(({ figures }) => (figures?.count ? [figures] : []))
  const float = one?.samples ? `; the float model has ${one.float} right` : ''
  return [
    `### ${model.title}`,
    '',
    `Calibrated on ${model.calibrate} samples, judged on ${one?.count ?? model.judge} others${float}, previewed on ${model.preview} where our own executor does it, else on all.${model.note ? ` ${model.note}` : ''}`,
    '',
    '| target, form | runtime | against float | same answer | right | as previewed | few bits, floats | bytes |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...lines,
  ].join('\n')
}

const percent = x => (x === null || x === undefined ? '' : `${x.toFixed(1).replace(/\.0$/, '')} %`)

function lineOf(name, { state, why, figures: f }) {
  const head = `\`${name.replace(' ', '` ')}${name.includes(' ') ? '' : '`'}`
  if (!f) return `| ${head} | ${state}: ${why.replaceAll('|', '\\|')} | | | | | | |`
  const cells = f.tensors
    ? [f.runtime, `${f.sqnrDb.toFixed(1)} dB of ${f.tensors} tensors`, '', '', '', '']
    : [
        f.runtime,
        `${f.sqnrDb.toFixed(1)} dB`,
        percent(f.agreement),
        f.samples ? f.right : '',
        [percent(f.preview), f.equal >= 99.9 ? 'every value' : `${f.previewDb.toFixed(0)} dB`]
          .filter(Boolean)
          .join(', '),
        f.operators ? `${f.operators.lowBit}, ${f.operators.float}` : '',
      ]
  if (state === 'failed') cells[0] += `, **failed**: ${why}`
  return `| ${[head, ...cells, f.bytes.toLocaleString('en')].join(' | ')} |`
}

/** What C and TFLite Micro take of a device, side by side. */
function micro() {
  const lines = models.flatMap(model => {
    const { c, tflm } = recall(model)
    if (!c?.figures?.object || !tflm?.figures?.arena) return []
    const { text, data, bss } = c.figures.object
    const cells = [text + data, bss, tflm.figures.bytes, tflm.figures.arena].map(n => n.toLocaleString('en'))
    return [`| ${[model.title, ...cells].join(' | ')} |`]
  })
  if (lines.length === 0) return null
  return [
    '### Plain C beside TensorFlow Lite Micro',
    '',
    'Bytes, both in int8 with floats at their edges. C: `size` of its object, compiled by gcc for x86-64 with `-Os`; constants and code are in',
    'flash, the arena is all its RAM. TensorFlow Lite Micro: the model file, to which the interpreter and its kernels come, and what it says it took',
    'of its arena.',
    '',
    '| model | C: constants and code | C: RAM | TFLM: model alone | TFLM: arena |',
    '| --- | --- | --- | --- | --- |',
    ...lines,
  ].join('\n')
}
