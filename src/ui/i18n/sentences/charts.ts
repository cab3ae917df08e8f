// What the jobs say that charts are drawn from.
import type { Pair } from '../translator.ts'

export const charts: readonly Pair[] = [
  ['There are no samples to estimate the time with', '没有可用于估计时间的样本'],
  ['Add some under Data.', '请在“数据”中添加。'],
  ['Look at them under Data.', '请在“数据”中查看。'],
  ['There are no samples to measure the layers on', '没有可用于测量各层的样本'],
  ['The recipe names no target whose formats could be measured', '配方未指明目标平台，无从测量其格式'],
  ['Add the step export.', '请添加 export 步骤。'],
]
