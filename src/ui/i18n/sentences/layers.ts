// Looking into layers and trying other settings of them.

export const layers: readonly [string, string][] = [
  ['There are no samples to try the layers on', '没有可用来试算各层的样本'],
  ['The recipe differs from that of this result in other steps too', '该配方与此结果的配方在其他步骤上也不同'],
  ['Run the recipe as it is now; its layers can be tried then.', '请运行当前的配方，之后即可试算其各层。'],
  ['The samples or the input have changed since this result', '得到此结果后，样本或输入设置已改变'],
  ['Run its recipe again, then its layers can be looked into.', '请重新运行其配方，然后即可查看各层。'],
  ['The look at the layer was stopped', '对该层的查看已停止'],
  ['Start it again when you want.', '需要时可重新开始。'],
]
