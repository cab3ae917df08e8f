// The decoders of boxes, in the order in which they are guessed.
import { detections } from './detections.ts'
import { heatmap } from './heatmap.ts'
import { ssd } from './ssd.ts'
import type { Decoder } from './types.ts'
import { ultraface } from './ultraface.ts'
import { yolo } from './yolo.ts'

export const decoders = [yolo, ultraface, ssd, heatmap, detections] as const satisfies readonly Decoder[]
