// The text recogniser: a network from a dependency's package reads lines that this project drew.
import { describe, expect, it } from 'vitest'
import { createNodeCodecs } from '../../src/host/node/codecs.ts'
import { openModel, read, samples, Tensor, unzip } from './files.ts'

const lines = samples.find(sample => sample.id === 'text-lines')!
const codecs = createNodeCodecs()
const width = 320

const rowsOf = (files: Record<string, Uint8Array>): { file: string; text: string }[] => {
  const [header, ...rows] = new TextDecoder().decode(files['labels.csv']).trim().split('\n')
  expect(header).toBe('file,text')
  return rows.map(row => ({ file: row.slice(0, row.indexOf(',')), text: row.slice(row.indexOf(',') + 1) }))
}

describe('data', () => {
  it('is 24 lines to calibrate and 40 others to evaluate', () => {
    const calibration = rowsOf(unzip(lines.data[0])).map(row => row.text)
    const evaluation = rowsOf(unzip(lines.evaluation[0])).map(row => row.text)
    expect([calibration.length, evaluation.length]).toEqual([24, 40])
    expect(new Set([...calibration, ...evaluation]).size).toBe(64)
  })

  it('is 48 pixels high and at most 320 wide', async () => {
    for (const path of [...lines.data, ...lines.evaluation]) {
      const files = unzip(path)
      for (const { file } of rowsOf(files)) {
        const picture = await codecs.png(files[file])
        expect(picture.height).toBe(48)
        expect(picture.width).toBeLessThanOrEqual(width)
      }
    }
  })
})

/** The alphabet that the copy script appended: protobuf field `value` after the key `character`, whose length is a varint. */
function alphabet(): string[] {
  const bytes = Buffer.from(read(lines.model))
  const key = bytes.lastIndexOf('character')
  let at = key + 'character'.length + 1
  while (bytes[at] > 127) at++
  return bytes
    .subarray(at + 1)
    .toString('utf8')
    .split('\n')
}

it('the float model reads at least 95 % of the lines without an error but in spaces', async () => {
  const session = await openModel(lines)
  const symbols = ['', ...alphabet(), ' ']
  expect(symbols).toHaveLength(6625)
  const files = unzip(lines.evaluation[0])
  const wrong: string[] = []
  for (const { file, text } of rowsOf(files)) {
    // Neutral grey where the line ends, as PaddleOCR pads: 0 after normalisation.
    const x = new Float32Array(3 * 48 * width)
    const picture = await codecs.png(files[file])
    for (let c = 0; c < 3; c++)
      for (let row = 0; row < 48; row++)
        for (let column = 0; column < picture.width; column++) {
          const pixel = picture.rgba[(row * picture.width + column) * 4 + 2 - c]
          x[(c * 48 + row) * width + column] = (pixel / 255 - 0.5) / 0.5
        }
    const result = await session.run({ x: new Tensor('float32', x, [1, 3, 48, width]) })
    const { data, dims } = result[session.outputNames[0]]
    let said = ''
    let previous = 0
    for (let t = 0; t < dims[1]; t++) {
      const row = (data as Float32Array).subarray(t * dims[2], (t + 1) * dims[2])
      let best = 0
      for (let s = 1; s < row.length; s++) if (row[s] > row[best]) best = s
      if (best !== previous) said += symbols[best]
      previous = best
    }
    if (said.replaceAll(' ', '') !== text.replaceAll(' ', '')) wrong.push(`${text} read as ${said}`)
  }
  await session.release()
  expect(wrong.length / 40, wrong.join('; ')).toBeLessThanOrEqual(0.05)
}, 120_000)
