// What a stage that learns is lent.
import type { Training } from '../../ir/training.ts'
import { network, refusal } from './network.ts'
import { adam } from './optimizers.ts'

export const training: Training = { refusal, network, adam }
