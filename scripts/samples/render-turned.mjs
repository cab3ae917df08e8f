// Draws the lines of text of which the sample `turned-lines` tells whether they stand on their heads: 48 pixels high and at most 192 wide, every
// other one turned by half a circle, as zips of PNG with a labels.csv. `node scripts/samples/render-turned.mjs`
import { createRng, drawing, drawLine, keep, lineTexts, styleOf } from './drawing.mjs'

const fonts = {
  latin: ['DejaVu Sans', 'DejaVu Serif', 'Liberation Sans', 'Liberation Serif'],
  chinese: 'WenQuanYi Micro Hei',
}

await drawing(async page => {
  const taken = new Set()
  for (const [name, count] of Object.entries({ evaluation: 60, calibration: 32 })) {
    const rng = createRng(7, `turned/${name}`)
    const files = {}
    let labels = 'file,label\n'
    for (const [i, text] of lineTexts(count, rng, taken).entries()) {
      const file = `line-${String(i).padStart(3, '0')}.png`
      const style = styleOf(text, rng, fonts)
      const turned = i % 2
      const given = { ...style, most: 192, turn: style.turn + turned * Math.PI }
      files[file] = Buffer.from(await page.evaluate(drawLine, given), 'base64')
      labels += `${file},${turned}\n`
    }
    files['labels.csv'] = Buffer.from(labels)
    keep('turned-lines', name, files)
  }
})
