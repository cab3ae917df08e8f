import type { Words } from '../en/index.ts'

export const dump: Words['dump'] = {
  title: '核对开发板',
  about:
    '在开发板上运行 golden/inputs.npz，并写出各层的结果：按值名的 .npz，或每行“名称 序号 数值”。这里将其与 golden/layers.npz 逐层对照。',
  choose: '选择转储文件…',
  orDrop: '或拖到页面任意位置',
  value: '值',
  place: '位置',
  most: '最大误差',
  equal: '相同',
  otherSize: '大小不同',
  agrees: n => `开发板的全部 ${n} 个值都一致。`,
  differs: '最先在此出现差异：',
  nothingKnown: '转储中没有任何名称属于基准层。',
  unknown: '不在基准层之中：',
  here: '开发板的转储最先在这里出现差异。',
}
