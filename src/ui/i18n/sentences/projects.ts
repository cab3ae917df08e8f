// Projects as files, and what a person brings into them.
import type { Pair } from '../translator.ts'

export const projects: readonly Pair[] = [
  ['{file} is not the whole file of a project: {what*}', '{file} 不是完整的项目文件：{what*}'],
  ['{name} is missing.', '缺少 {name}。'],
  ['the files of {role#} are not those that were saved.', '{role#} 的文件与保存时的不同。'],
  ['{name} is no name of a stored file.', '{name} 不是存储文件的名称。'],
  ['must be the name of a file', '必须是文件名'],
  ['Save the project again where it came from, and copy the file whole.', '请在原处重新保存该项目，并完整复制该文件。'],
  ['A picture cannot be added to {name}', '无法向 {name} 添加图片'],
  [
    'Its samples are in one file. Choose a folder of pictures first, or add the picture to that file yourself.',
    '其样本在同一个文件中。请先选择一个图片文件夹，或自行将图片加入该文件。',
  ],
  ['Recorded sound cannot be added to {name}', '无法向 {name} 添加录音'],
  [
    'Choose files that are recorded elsewhere as well, or record into the other set.',
    '请选择在别处录制的文件，或录入另一组。',
  ],
  ['These samples cannot be labelled by hand', '这些样本无法手动标注'],
  ['They have labels already, or are in one file.', '它们已有标签，或在同一个文件中。'],
]
