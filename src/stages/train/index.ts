// What a stage that learns is lent.
import type { Training } from '../../ir/training.ts'
import { adam } from './adam.ts'
import { network, refusal } from './network.ts'

export const training: Training = { refusal, network, adam }
