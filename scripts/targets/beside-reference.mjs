// node scripts/targets/beside-reference.mjs: our int8 files of ResNet8 and of the keyword network beside those that MLPerf Tiny publishes
// (../shared/data/ref_int8), in one LiteRT on the same samples. Fails where ours is larger than 1.02 times, takes more than 1.05 times the
// CPU seconds, or has fewer samples right by the kernels that LiteRT takes by itself; how many by its reference kernels is said beside it.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { install, root } from '../install.mjs'

install()
const { buildCli } = await import('../build.mjs')
const { placeOf, save, shared } = await import('../results/places.mjs')
const { targetPython } = await import('../target-python.mjs')
const { models } = await import('./models.mjs')

const references = [
  { id: 'resnet8', file: 'ref_int8/resnet8_int8.tflite', samples: 512 },
  { id: 'kws', file: 'ref_int8/kws_int8.tflite', samples: 200 },
]
const most = { bytes: 1.02, seconds: 1.05 }

if (!existsSync(join(shared, 'ref_int8'))) {
  console.log(`Nothing is compared: ${shared}/ref_int8 is missing.`)
  process.exit(0)
}
const { program: python, why } = targetPython('tflite')
if (!python) throw new Error(`LiteRT cannot be installed here: ${why}`)
await buildCli({ quiet: true })
const work = mkdtempSync(join(tmpdir(), 'thimble-reference-'))
const recipe = save(join(work, 'recipe.json'), {
  thimble: 1,
  steps: [{ do: 'optimize' }, { do: 'quantize' }, { do: 'export', target: 'tflite', form: 'int8', io: 'integer' }],
})
let failed = 0
try {
  for (const { id, file, samples } of references) {
    const model = models.find(m => m.id === id)
    const out = join(work, id)
    const data = ['--data', placeOf(model.data, work), '--samples', String(samples)]
    const input = model.input === null ? [] : ['--input', placeOf(model.input, work)]
    run(
      process.execPath,
      join(root, 'dist/cli/thimble.mjs'),
      'compress',
      placeOf(model.file),
      ...data,
      ...input,
      '--recipe',
      recipe,
      '--out',
      out,
    )
    const script = join(root, 'test/targets/beside-reference.py')
    const ours = join(out, 'tflite-int8/model.tflite')
    const { mine, theirs } = JSON.parse(run(python, script, ours, placeOf(file), placeOf(model.eval)))
    const [bytes, seconds] = [mine.bytes / theirs.bytes, mine.median / theirs.median]
    const holds = bytes <= most.bytes && seconds <= most.seconds && mine.right >= theirs.right
    if (!holds) failed++
    console.log(
      `${id}: ${holds ? 'passed' : 'failed'}  ${mine.bytes} bytes of ${theirs.bytes} (${bytes.toFixed(3)}), ${micros(mine)} of ${micros(theirs)} CPU µs (${seconds.toFixed(3)}), ${mine.right} of ${mine.samples} right (${mine.exactly} by reference kernels), the reference ${theirs.right} (${theirs.exactly})`,
    )
  }
} finally {
  rmSync(work, { recursive: true, force: true })
}
console.log(`\n${references.length - failed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1

function micros({ median }) {
  return (median * 1e6).toFixed(0)
}

function run(command, ...args) {
  const ran = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 26 })
  if (ran.status !== 0) throw new Error(`${command} ${args[0]}: ${ran.stderr.slice(-2000)}`)
  return ran.stdout
}
