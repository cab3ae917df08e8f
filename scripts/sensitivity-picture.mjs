// The picture of docs/pruning.md: how much each layer of ResNet20 can bear, measured by `thimble sensitivity` on the calibration images.
// `node scripts/sensitivity-picture.mjs` measures and draws; with the name of a file of figures it draws those.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './install.mjs'

const data = join(root, '../shared/data')
const model = join(data, 'onnx/cifar10_resnet20_raw.onnx')

function measured() {
  if (!existsSync(model)) throw new Error(`There is no ${model}: the picture is made of what is measured on it.`)
  const args = ['--data', join(data, 'cifar10/calib512.json'), '--input', join(data, 'cifar10/input.json')]
  const counts = ['--samples', '512', '--measured-on', '128', '--json']
  const command = [join(root, 'scripts/thimble.mjs'), 'sensitivity', model, ...args, ...counts]
  return execFileSync(process.execPath, command, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
}

const { formats, layers, groups, samples, target } = JSON.parse(
  process.argv[2] ? readFileSync(process.argv[2], 'utf8') : measured(),
)

const [width, height] = [960, 420]
const panel = { width: 300, top: 56, bottom: 360 }
const highest = 60 // dB: what lies above cannot be told from the float model
const named = 4

const escaped = text => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
const text = (x, y, words, attributes = '') =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${escaped(words)}</text>`
const line = (x1, y1, x2, y2, name) => `<line class="${name}" x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}"/>`
const yOf = db => panel.bottom - ((Math.min(db, highest) + 10) / (highest + 10)) * (panel.bottom - panel.top)

/** `curves`: { name, points: [x from 0 to 1, dB][] }. */
function drawn(left, title, xName, ticks, curves) {
  const xOf = share => left + share * panel.width
  const mean = ({ points }) => points.reduce((sum, [, db]) => sum + Math.min(db, highest), 0) / points.length
  const ordered = [...curves].sort((a, b) => mean(a) - mean(b))
  const path = ({ points }, rank) =>
    `<path class="curve ${rank < named ? `rank-${rank}` : ''}" d="${points.map(([x, db], k) => `${k === 0 ? 'M' : 'L'}${xOf(x).toFixed(1)} ${yOf(db).toFixed(1)}`).join('')}"/>`
  // Names at the ends, from top to bottom, each below the one before.
  const ends = ordered.slice(0, named).map(({ name, points }, rank) => ({ name, rank, y: yOf(points.at(-1)[1]) }))
  ends.sort((a, b) => a.y - b.y)
  let last = 0
  for (const end of ends) {
    end.y = Math.max(end.y, last + 15)
    last = end.y
  }
  const over = Math.max(0, last - panel.bottom)
  const right = left + panel.width
  return [
    text(left, 24, title, 'class="title"'),
    text(left - 36, panel.top - 12, '↑ output SQNR', 'class="soft"'),
    ...[0, 20, 40, 60].flatMap(db => [
      line(left, yOf(db), right, yOf(db), 'grid'),
      text(left - 8, yOf(db) + 4, `${db} dB`, 'class="soft" text-anchor="end"'),
    ]),
    ...ticks.flatMap(([x, words]) => [
      line(xOf(x), panel.top, xOf(x), panel.bottom, 'grid'),
      text(xOf(x), panel.bottom + 18, words, 'class="soft" text-anchor="middle"'),
    ]),
    text(right, panel.bottom + 40, `${xName} →`, 'class="soft" text-anchor="end"'),
    ...ordered.map(path).reverse(),
    ...ends.flatMap(({ name, rank, y }) => [
      `<line class="curve rank-${rank}" x1="${right + 8}" x2="${right + 24}" y1="${y - over}" y2="${y - over}"/>`,
      text(right + 29, y - over + 4, name.replace(/^\/(.*)\/Conv$/, '$1').replace(/^layer\d\/layer/, 'layer')),
    ]),
  ].join('\n')
}

const rounding = drawn(
  56,
  'One layer rounded',
  'weights',
  formats.map((name, k) => [k / (formats.length - 1), name]),
  layers.map(({ node, sqnrDb }) => ({ name: node, points: sqnrDb.map((db, k) => [k / (formats.length - 1), db]) })),
)
const pruning = drawn(
  536,
  'One group of channels pruned, the rest fitted',
  'channels gone',
  [0, 0.25, 0.5, 0.75, 1].map(share => [share, `${100 * share} %`]),
  groups.map(({ layer, channels, points }) => ({
    name: layer,
    points: points.map(({ gone, sqnrDb }) => [gone / channels, sqnrDb]),
  })),
)

const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>Output SQNR of ResNet20 with one layer alone rounded to each format, and with one group of channels alone pruned</title>
<desc>Measured by thimble sensitivity on ${samples} calibration images by the rules of ${target}. ${escaped(layers.map(({ node, sqnrDb }) => `${node}: ${sqnrDb.map((db, k) => `${formats[k]} ${db.toFixed(1)} dB`).join(', ')}`).join('; '))}</desc>
<style>
svg{background:#fff;font:12px system-ui,sans-serif;fill:#1a1c1e}
.title{font-size:15px;font-weight:600}
.soft{fill:#575c61}
.grid{stroke:#dcdcd6}
.curve{fill:none;stroke:#898d8e;stroke-opacity:.55;stroke-width:1.25}
.rank-0,.rank-1{stroke:#14559c}
.rank-2,.rank-3{stroke:#8a5300}
.rank-0,.rank-1,.rank-2,.rank-3{stroke-width:2;stroke-opacity:1}
.rank-1,.rank-3{stroke-dasharray:5 3}
@media (prefers-color-scheme:dark){
svg{background:#141618;fill:#e6e8e9}
.soft{fill:#a2a8ad}
.grid{stroke:#2d3236}
.rank-0,.rank-1{stroke:#83b6ee}
.rank-2,.rank-3{stroke:#e3b062}
}
</style>
${rounding}
${pruning}
</svg>
`
const file = join(root, 'docs/sensitivity.svg')
writeFileSync(file, svg)
console.log(`wrote ${file}`)
