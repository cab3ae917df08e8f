// What is said of Paddle's models (src/exporters/paddle, src/targets/paddle.ts).
import type { Pair } from '../translator.ts'

export const paddle: readonly Pair[] = [
  ['Paddle', 'Paddle'],
  [
    'Run it with oneDNN off: with it on, Paddle 3.3.1 stopped or hung on such programs where this was tried.',
    '请关闭 oneDNN 运行：在试验中开启时，Paddle 3.3.1 在这类程序上会中止或挂起。',
  ],
  ['its constant {name} is of {type}', '其常量 {name} 的类型为 {type}'],
  ['Export the model in floats.', '请以浮点导出模型。'],
  ['it is not over images of height and width', '它不作用于有高和宽的图像'],
  ['its weights are computed, where constants are needed', '其权重是计算出来的，而这里需要常量'],
  ['it scales its product or its bias', '它缩放其乘积或偏置'],
  ['it goes backwards', '它逆序取值'],
  ['its pads are not known', '其填充量未知'],
  ['there is no rule for it here', '这里没有处理它的规则'],
]
