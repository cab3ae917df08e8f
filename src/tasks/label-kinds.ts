// Labels of the kind that a task is judged by, and the word on those of another.
import { StudioError } from '../base/errors.ts'
import type { Box, Label, Mask } from './types.ts'

const called = (label: Label): string =>
  typeof label === 'number'
    ? `the class ${label}`
    : typeof label === 'string'
      ? `the text '${label}'`
      : label.kind === 'boxes'
        ? 'boxes'
        : 'a mask'

const refuse = (message: string, hint: string): StudioError => new StudioError('bad-data', message, { hint })

/** The class, of `classes` that the model tells apart. */
export function classOf(label: Label, classes: number, where: string): number {
  if (typeof label !== 'number')
    throw refuse(
      `The label is ${called(label)}, but the model tells classes apart.`,
      'Give a labels.csv with the columns file,label.',
    )
  inside(label, classes, where)
  return label
}

export function textOf(label: Label): string {
  if (typeof label === 'object')
    throw refuse(
      `The label is ${called(label)}, but the model reads text.`,
      'Give a labels.csv with the columns file,text.',
    )
  return String(label)
}

/** What tells samples of one kind from others, be it a class or a text. */
export function nameOf(label: Label): string {
  if (typeof label === 'object')
    throw refuse(
      `The label is ${called(label)}, but the model makes vectors.`,
      'Give a labels.csv with the columns file,label, or a folder per class.',
    )
  return String(label)
}

/** Boxes whose classes the model knows; `classes` is null where it does not say how many it tells apart. */
export function boxesOf(label: Label, classes: number | null, where: string): readonly Box[] {
  if (typeof label !== 'object' || label.kind !== 'boxes')
    throw refuse(
      `The label is ${called(label)}, but the model finds boxes.`,
      'Give a labels.csv with the columns file,label,x,y,width,height, or a COCO .json beside the pictures.',
    )
  for (const box of label.boxes) inside(box.class, classes ?? Number.POSITIVE_INFINITY, where)
  return label.boxes
}

export function maskOf(label: Label): Mask {
  if (typeof label !== 'object' || label.kind !== 'mask')
    throw refuse(
      `The label is ${called(label)}, but the model gives each pixel a class.`,
      'Give masks: a grey PNG of the same name in a folder masks beside the folder of the pictures.',
    )
  return label
}

function inside(label: number, classes: number, where: string): void {
  if (Number.isInteger(label) && label >= 0 && label < classes) return
  const message = Number.isFinite(classes)
    ? `The label ${label} is none of the model's ${classes} classes (0 to ${classes - 1}).`
    : `The label ${label} is no class: classes count from 0.`
  throw new StudioError('bad-data', message, {
    where: { value: where },
    hint: 'Check the labels, and labelOffset in the input spec.',
  })
}
