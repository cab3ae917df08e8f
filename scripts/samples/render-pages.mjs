// Draws the pictures in which the sample `text-regions` finds text: lines of all sizes before shapes of all kinds, with the masks that the
// detector was trained for. `node scripts/samples/render-pages.mjs`
import { createRng, drawing, keep, lineTexts } from './drawing.mjs'

const size = { width: 352, height: 224 }
const fonts = ['DejaVu Sans', 'DejaVu Serif', 'Liberation Sans', 'Liberation Serif', 'Liberation Mono']

/** Lines that keep away from each other. */
function pageOf(rng) {
  const lines = []
  const wanted = 3 + rng.below(4)
  for (let tries = 0; lines.length < wanted && tries < 200; tries++) {
    const points = 14 + rng.below(13)
    const text = lineTexts(9, rng, new Set())[rng.below(9)]
    const chinese = /[^\x20-\x7e]/.test(text)
    const width = Math.ceil(text.length * points * (chinese ? 1 : 0.62))
    const [x, y] = [8 + rng.below(Math.max(1, size.width - width - 16)), 8 + rng.below(size.height - points - 16)]
    if (x + width > size.width - 8) continue
    const near = lines.some(
      l => x < l.x + l.width + 16 && l.x < x + width + 16 && y < l.y + l.points + 14 && l.y < y + points + 14,
    )
    if (near) continue
    const font = chinese ? 'WenQuanYi Micro Hei' : fonts[rng.below(fonts.length)]
    lines.push({ text, font, points, weight: rng.below(3) ? 400 : 700, x, y, width })
  }
  const dark = rng.below(4) === 0
  const tint = low => [0, 1, 2].map(() => low + rng.below(60))
  return {
    ...size,
    paper: `rgb(${tint(dark ? 10 : 190)})`,
    ink: `rgb(${tint(dark ? 190 : 5)})`,
    shapes: Array.from({ length: 4 + rng.below(4) }, () => ({
      x: rng.below(size.width),
      y: rng.below(size.height),
      r: 10 + rng.below(70),
      round: rng.below(2) === 1,
      color: `rgba(${tint(dark ? 20 : 140)}, 0.55)`,
    })),
    lines,
  }
}

/** Runs in the page: the picture, and the regions as the detector gives them, as base64 PNGs. */
function draw({ width, height, paper, ink, shapes, lines }) {
  const [picture, mask] = [0, 1].map(() => Object.assign(document.createElement('canvas'), { width, height }))
  const [context, regions] = [picture, mask].map(canvas => canvas.getContext('2d', { alpha: false }))
  context.fillStyle = paper
  context.fillRect(0, 0, width, height)
  for (const { x, y, r, round, color } of shapes) {
    context.fillStyle = color
    context.beginPath()
    if (round) context.arc(x, y, r, 0, 7)
    else context.rect(x - r, y - r / 2, 2 * r, r)
    context.fill()
  }
  regions.fillStyle = '#000'
  regions.fillRect(0, 0, width, height)
  for (const { text, font, points, weight, x, y } of lines) {
    context.font = `${weight} ${points}px "${font}"`
    context.fillStyle = ink
    const { width: long, actualBoundingBoxAscent: up, actualBoundingBoxDescent: down } = context.measureText(text)
    context.fillText(text, x, y + up)
    // A line's box has some room around its letters; regions are shrunk by area (1 - 0.4^2) / circumference, so that neighbours stay apart
    // (Liao et al., Real-time Scene Text Detection with Differentiable Binarization, 2020).
    const room = 0.15 * points
    const [w, h] = [long + 2 * room, up + down + 2 * room]
    const inset = (w * h * 0.84) / (2 * (w + h)) - room
    regions.fillStyle = '#fff'
    regions.fillRect(...[x + inset, y + inset, long - 2 * inset, up + down - 2 * inset].map(Math.round))
  }
  return [picture, mask].map(canvas => canvas.toDataURL('image/png').split(',')[1])
}

await drawing(async page => {
  for (const [name, count] of Object.entries({ evaluation: 24, calibration: 16 })) {
    const rng = createRng(7, `pages/${name}`)
    const files = {}
    for (let i = 0; i < count; i++) {
      const file = `page-${String(i).padStart(3, '0')}.png`
      const [picture, mask] = await page.evaluate(draw, pageOf(rng))
      files[`images/${file}`] = Buffer.from(picture, 'base64')
      if (name === 'evaluation') files[`masks/${file}`] = Buffer.from(mask, 'base64')
    }
    keep('text-regions', name, files)
  }
})
