// The decoders of boxes, in the order in which they are guessed.
import { detections } from './detections.ts'
import { heatmap } from './heatmap.ts'
import { ssd } from './ssd.ts'
import type { Decoder } from './types.ts'
import { ultraface } from './ultraface.ts'
import { yolo } from './yolo.ts'
import { yoloHeads } from './yolo-heads.ts'

export const decoders = [yolo, yoloHeads, ultraface, ssd, heatmap, detections] as const satisfies readonly Decoder[]
