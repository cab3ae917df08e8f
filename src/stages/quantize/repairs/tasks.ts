// What repairs have done by whatever thread is idle.
import type { Task } from '../../../ir/context.ts'
import { factorsTask } from './awq.ts'
import { feedbackTask, roundTask } from './feedback.ts'
import * as gptq from './gptq.ts'
import { improveTask } from './hqq.ts'

export const repairTasks: readonly Task<never, unknown>[] = [
  feedbackTask,
  roundTask,
  gptq.factorTask,
  gptq.roundTask,
  improveTask,
  factorsTask,
]
