// The step that searches for the best format of every layer.
import type { Pair } from '../translator.ts'

export const search: readonly Pair[] = [
  ['Search for the best formats', '搜索最佳格式'],
  ['Smallest: at most half a point lost', '最小：最多损失半个百分点'],
  ['Exact: no answer changed', '精确：答案不变'],
  ['Not to be exceeded', '不得超过'],
  ['Formats to choose from', '候选格式'],
  ['Layers that it chooses for', '由搜索决定的层'],
  ['Minutes', '分钟数'],
  ['Error that is kept low', '要压低的误差'],
  ['Samples for sensitivity', '灵敏度样本数'],
  ['How it quantises', '量化方式'],
  ['Decision', '决定'],
  [
    'With {formats} the model files take at least {least} bytes, more than the {most} that are to be kept',
    '使用 {formats} 时，模型文件至少 {least} 字节，超过了要求的 {most}',
  ],
  [
    'With {formats} a weight takes at least {least} bits, more than the {most} that are to be kept',
    '使用 {formats} 时，每个权重至少 {least} 比特，超过了要求的 {most}',
  ],
  ['Allow formats of fewer bits, or more.', '请允许比特数更少的格式，或放宽上限。'],
  [
    'With {formats} a run takes at least {least} ms here, more than the {most} that are to be kept',
    '使用 {formats} 时，在此运行一次至少 {least} 毫秒，超过了要求的 {most}',
  ],
  [
    'With {formats} at least {least} points are lost, more than the {most} that are to be kept',
    '使用 {formats} 时，至少损失 {least} 个百分点，超过了要求的 {most}',
  ],
  ['Allow more.', '请放宽上限。'],
  ['Allow more, or add float32 to the formats.', '请放宽上限，或把 float32 加入候选格式。'],
  ['{bytes} bytes: {db} dB, {share} %', '{bytes} 字节：{db} dB，{share} %'],
  [
    'The search tried {count} candidates. Of the one it took, {predicted} dB were predicted and {measured} dB measured; {share} % of the answers over {samples} samples that it was not made from are others.',
    '搜索试了 {count} 个候选方案。所选方案预测 {predicted} dB，实测 {measured} dB；在未用于生成它的 {samples} 个样本上，{share} % 的答案有变。',
  ],
  ['Judged by the worst of its targets: {targets}.', '以各目标平台中最差者为准：{targets}。'],
  ['{target}: {bytes} bytes, {db} dB, {share} %', '{target}：{bytes} 字节，{db} dB，{share} %'],
  ['{target}: {bytes} bytes, {db} dB, {share} %, {ms} ms', '{target}：{bytes} 字节，{db} dB，{share} %，{ms} 毫秒'],
  ['The search has no target to search for', '搜索没有目标平台'],
  ['Add a step export, or give --target.', '请添加 export 步骤，或给出 --target。'],
  ['No layer of this model can be kept in another format', '该模型没有可换用其他格式的层'],
  [
    'Its weights may be computed at run time, or the recipe fixes all of them.',
    '其权重可能在运行时计算，或配方已全部固定。',
  ],
  ['{target} has none of the formats {formats}', '{target} 不支持 {formats} 中的任何格式'],
  ['Choose among {formats}.', '请从 {formats} 中选择。'],
  ['The search left out {formats}, which a target does not have.', '搜索略去了某个目标平台不支持的 {formats}。'],
]
