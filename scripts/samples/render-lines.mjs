// Draws the lines of text that the sample of the text recogniser reads, 48 pixels high and at most 320 wide, as zips of PNG with a
// labels.csv. `node scripts/samples/render-lines.mjs`
import { createRng, drawing, drawLine, keep, lineTexts, styleOf } from './drawing.mjs'

const fonts = {
  latin: ['DejaVu Sans', 'DejaVu Serif', 'Liberation Sans', 'Liberation Serif', 'Noto Sans CJK SC'],
  chinese: 'Noto Sans CJK SC',
}

await drawing(async page => {
  const taken = new Set()
  for (const [name, count] of Object.entries({ evaluation: 40, calibration: 24 })) {
    const rng = createRng(7, `lines/${name}`)
    const files = {}
    let labels = 'file,text\n'
    for (const [i, text] of lineTexts(count, rng, taken).entries()) {
      const file = `line-${String(i).padStart(3, '0')}.png`
      files[file] = Buffer.from(await page.evaluate(drawLine, { ...styleOf(text, rng, fonts), most: 320 }), 'base64')
      labels += `${file},${text}\n`
    }
    files['labels.csv'] = Buffer.from(labels)
    keep('text-lines', name, files)
  }
})
