// Boxes as YOLO's tools keep them: a .txt for each picture, beside it or in a folder `labels` beside the folder `images`; a line for each
// box: class, center and size as fractions of the picture. A picture without a file has no boxes (Ultralytics, "Object detection
// datasets overview").
import { StudioError } from '../base/errors.ts'
import type { Box } from '../ir/labels.ts'

/** Where the boxes of a picture would lie. */
export const yoloPaths = (picture: string): string[] => {
  const beside = picture.replace(/\.\w+$/, '.txt')
  return [beside, beside.replace(/(^|\/)images\//, '$1labels/')]
}

/** The boxes of one file; null for lines of something else, as of a caption. */
export function readYolo(path: string, content: string): Box[] | null {
  const boxes: Box[] = []
  for (const [i, line] of content.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue
    const numbers = line.trim().split(/\s+/).map(Number)
    if (!numbers.every(Number.isFinite)) return null
    const [id, x, y, width, height] = numbers
    const fits = [x, y, width, height].every(v => v >= 0 && v <= 1)
    if (numbers.length !== 5 || !Number.isInteger(id) || id < 0 || !fits)
      throw new StudioError('bad-data', `${path}, line ${i + 1}: ${line.trim()} is no box.`, {
        where: { file: path },
        hint: 'A line is: class, center x, center y, width and height, from 0 to 1.',
      })
    if (width > 0 && height > 0) boxes.push({ x: x - width / 2, y: y - height / 2, width, height, class: id })
  }
  return boxes
}
