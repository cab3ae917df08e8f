// Every task that a thread of the pool can be asked for, by its id.
import type { Task } from '../ir/context.ts'
import { heldTask, optimumTask, ridgeTask } from '../ir/least-squares.ts'
import { sumRows } from '../ir/moments.ts'
import { splitTask } from '../stages/factorize/split.ts'
import { sparseTask } from '../stages/prune/sparse.ts'
import { repairTasks } from '../stages/quantize/repairs/tasks.ts'
import { answersTask } from '../stages/train/answers.ts'
import { lessonTask } from '../stages/train/lesson.ts'

export const tasks: ReadonlyMap<string, Task<never, unknown>> = new Map(
  [
    sumRows,
    ridgeTask,
    optimumTask,
    heldTask,
    splitTask,
    sparseTask,
    ...repairTasks,
    lessonTask as unknown as Task<never, unknown>,
    answersTask as unknown as Task<never, unknown>,
  ].map(task => [task.id, task]),
)
