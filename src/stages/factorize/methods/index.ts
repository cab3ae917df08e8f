// The list of methods.
import type { Method } from '../types.ts'
import { spatialSvd } from './spatial-svd.ts'
import { svd } from './svd.ts'
import { tucker2 } from './tucker2.ts'

export const methods = [svd, spatialSvd, tucker2] as const satisfies readonly Method[]

export const findMethod = (id: string): Method => methods.find(m => m.id === id)!
