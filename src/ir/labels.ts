// What a sample may be labelled with. Places are fractions of the picture as the model is fed it, so that neither its size nor the
// original's matters to who compares them.

/** A rectangle: its upper left corner and its size. */
export interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
  readonly class: number
  /** Stands for a crowd (COCO's iscrowd): boxes that lie in it are neither right nor wrong. */
  readonly crowd?: boolean
}

/** A class for each pixel of the picture as it is fed; 255 is for none. */
export interface Mask {
  readonly kind: 'mask'
  readonly width: number
  readonly height: number
  readonly classes: Uint8Array
}

export interface Boxes {
  readonly kind: 'boxes'
  readonly boxes: readonly Box[]
}

export type Label = number | string | Boxes | Mask

export type LabelKind = 'class' | 'text' | 'boxes' | 'masks'

/** The class of a mask's pixel that is to be left out of every figure. */
export const unlabelled = 255

/** A label as the model counts its classes: `offset` is added to each. */
export function withOffset(label: Label, offset: number): Label {
  if (typeof label === 'string' || offset === 0) return label
  if (typeof label === 'number') return label + offset
  if (label.kind === 'boxes')
    return { kind: 'boxes', boxes: label.boxes.map(box => ({ ...box, class: box.class + offset })) }
  return { ...label, classes: label.classes.map(c => (c === unlabelled ? c : c + offset)) }
}
