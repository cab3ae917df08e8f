// What was measured, as the Markdown page docs/results.md.
import { apart, commandOf } from './measure.mjs'
import { recipeOf } from './settings.mjs'

const minus = text => text.replace('-', '−')
const signed = (value, digits) => minus(`${value > 0 ? '+' : ''}${value.toFixed(digits)}`)
const kilobytes = bytes => (bytes / 1000).toFixed(1)
const rows = list => list.map(cells => `| ${cells.join(' | ')} |`).join('\n')
const head = cells => rows([cells, cells.map(() => '---')])
const unique = values => [...new Set(values)]
const cell = text => text.replaceAll('|', '\\|').replaceAll('\n', ' ')

/** `results`: a row for each model, setting and set of repairs that applies: { model, setting, repairs, found or null }. */
export function page(results, { version, settings, absent }) {
  const done = results.filter(r => r.found)
  const models = unique(results.map(r => r.model))
  return `${[
    '# Results',
    'What compression costs and saves on real networks: every number format with every set of repairs. `npm run results` measures it and writes this page; nothing here is written by hand, and nothing was tuned to the data that the models are judged on.',
    circumstances(done, version),
    meaning,
    `${head(['setting', 'step `quantize` of the recipe'])}\n${rows(settings.map(s => [s.title, options(s)]))}`,
    `A whole recipe, here of ${settings[0].title} without repairs: \`${JSON.stringify(recipeOf(settings[0], { quantize: { repairs: [] } }))}\`. Blocks lie along the inputs of matrices; weights of convolutions keep a scale a channel. \`npm run results -- --only resnet20 --settings w4a8\` measures some rows anew.`,
    ...models.map(model =>
      section(
        model,
        results.filter(r => r.model === model),
      ),
    ),
    ...(absent.length > 0 ? [`Not on this machine: ${absent.map(m => m.file).join(', ')}.`] : []),
  ].join('\n\n')}\n`
}

const options = ({ quantize, layerSamples }) =>
  `\`${JSON.stringify(quantize)}\`${layerSamples === undefined ? '' : `, and of \`evaluate\` \`{"layerSamples":${layerSamples}}\``}`

const meaning = [
  '**top-1** is in percent of the labelled samples; beside it the difference to the float model on the same samples, in points, with its 95 % interval.',
  '**agreement**: percent of samples whose best class is the float model’s. **SQNR**: of the outputs against the float model’s, in dB.',
  '**file** is bytes on disk of the model in the bundle. **packed, theoretical** is no file: the weights at their bits, with scales, tables and biases as they are stored, and without the graph.',
  '**seconds** are those of the whole command without its evaluation. The best of a setting is in bold, were it by one sample: look at the intervals before making much of it.',
].join(' ')

function circumstances(done, version) {
  if (done.length === 0) return 'Nothing was measured yet.'
  const machines = unique(done.map(r => r.found.machine))
  const builds = unique(done.map(r => r.found.build))
  const countOf = build => done.filter(r => r.found.build === build).length
  const python = unique(done.flatMap(r => r.found.python?.onnxruntime ?? []))
  return [
    `Measured on ${machines.join('; ')}, with Thimble ${version} in WebAssembly (${builds.map(b => `build ${b}: ${countOf(b)} rows`).join(', ')}; \`docs/results.jsonl\` says which, and with \`--anew\` the build at hand measures again what others did).`,
    python.length > 0
      ? `Bundles of labelled models of one size of input were judged once more by Python’s onnxruntime ${python.join(', ')}: where its top-1 is more than ${apart} points away, both are shown; elsewhere they agree.`
      : 'No Python with onnxruntime gave a second opinion.',
    ...(done.some(r => r.found.loaded)
      ? ['Seconds are of a loaded machine: others were using it, so that they compare roughly and only within a table.']
      : []),
  ].join(' ')
}

function section(model, list) {
  const done = list.filter(r => r.found)
  const worked = done.filter(r => !r.found.failed)
  const notes = [
    ...(model.note ? [model.note] : []),
    ...(model.learning
      ? [`Learned rounding went by \`${JSON.stringify(model.learning)}\` instead of 500 steps of 16 samples.`]
      : []),
  ]
  const text = [`## ${model.title}`, [`\`${model.file.replace('onnx/', '')}\`.`, ...notes].join(' ')]
  if (worked.length > 0) text.push(`\`\`\`\n${commandOf(model)}\n\`\`\``)
  if (done.length > 0) text.push(table(list.filter(r => r.found)))
  const missing = list.filter(r => !r.found)
  if (missing.length > 0)
    text.push(`Not measured yet: ${missing.length === list.length ? 'any of it' : named(missing)}.`)
  return text.join('\n\n')
}

/** Settings with the sets of repairs that are missing of each. */
const named = missing =>
  unique(missing.map(r => r.setting))
    .map(
      setting =>
        `${setting.title} (${missing
          .filter(r => r.setting === setting)
          .map(r => r.repairs.id)
          .join(', ')})`,
    )
    .join('; ')

function table(done) {
  const worked = done.filter(r => !r.found.failed)
  const first = worked[0]?.found
  const metric = first?.accuracy ? `${first.accuracy.metric}, %` : null
  const titles = ['setting', 'repairs', ...(metric ? [metric, 'against float'] : [])]
  titles.push('agreement, %', 'SQNR, dB', 'file, kB', 'packed, theoretical, kB', 'seconds')
  const float = first && [
    ...['float', '', ...(metric ? [first.float.value.toFixed(2), ''] : [])],
    ...['', '', kilobytes(first.float.bytes), '', ''],
  ]
  const best = bests(worked)
  const lines = done.map((r, i) => {
    const names = [done[i - 1]?.setting === r.setting ? '' : r.setting.title, r.repairs.title]
    return r.found.failed ? failure(r, names, titles.length) : line(r, names, metric, best.get(r.setting))
  })
  return `${head(titles)}\n${rows([...(float ? [float] : []), ...lines])}`
}

const failure = ({ found }, names, columns) => [
  ...names,
  `failed: ${cell(found.failed)}`,
  ...Array(columns - 3).fill(''),
]

function line({ found }, names, metric, best) {
  const { accuracy, agreement, sqnrDb, python } = found
  const bold = (value, of, digits) =>
    best?.[of] === value ? `**${minus(value.toFixed(digits))}**` : minus(value.toFixed(digits))
  const accurate = metric ? [bold(accuracy.value, 'accuracy', 2) + disagreement(python), against(accuracy)] : []
  return [
    ...names,
    ...accurate,
    agreement === null ? '' : bold(agreement, 'agreement', 1),
    bold(sqnrDb, 'sqnrDb', 1),
    kilobytes(found.bytes),
    kilobytes(found.packed),
    found.seconds.toFixed(1),
  ]
}

const against = ({ difference, interval95 }) =>
  interval95 ? `${signed(difference, 2)} (${interval95.map(end => signed(end, 1)).join(' to ')})` : ''

function disagreement(python) {
  if (!python) return ''
  if (python.failed) return ` (Python failed: ${cell(python.failed)})`
  return python.differs === null ? '' : ` (Python ${python.differs.toFixed(2)})`
}

/** The best figures of each setting that was tried with several repairs which made a difference. */
function bests(worked) {
  const best = new Map()
  for (const setting of unique(worked.map(r => r.setting))) {
    const found = worked.filter(r => r.setting === setting).map(r => r.found)
    const most = of => {
      const values = found.map(of).filter(value => value !== null)
      return unique(values).length > 1 ? Math.max(...values) : null
    }
    best.set(setting, {
      accuracy: most(f => f.accuracy?.value ?? null),
      agreement: most(f => f.agreement),
      sqnrDb: most(f => f.sqnrDb),
    })
  }
  return best
}
