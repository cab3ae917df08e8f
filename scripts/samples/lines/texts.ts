// What the drawn lines say: seeded, so that the same lines come out every time; none is in both sets.
import type { Rng } from '../../../src/base/rng.ts'

const words =
  'about above after again answer autumn basket before better bridge bright butter camera carbon castle center chapter cheese circle clever cloud coffee copper corner cotton dinner distance doctor double eastern electric engine evening factory family feather finger forest fourth garden gentle glass golden harbor heavy honest hundred island jacket journey kitchen ladder leather lemon letter library machine market meadow metal middle minute mirror morning mountain music narrow nature needle number ocean office orange paper pencil people pepper picture planet pocket potato present quarter quiet rabbit railway record river rocket sailor school season second shadow silver simple spring station summer sunset switch table thunder ticket travel valley village violin water weather window winter wooden yellow'.split(
    ' ',
  )
const phrases =
  '今天天气很好 欢迎来到北京 请在这里签字 新鲜水果特价 上海图书馆 下一站火车站 注意安全 小心地滑 营业时间 会议室预订 人民公园入口 请勿吸烟 中国制造 质量第一 学习使我快乐 春夏秋冬 数据结构与算法 神经网络压缩 模型量化工具 免费停车 电话号码 请保持安静 收银台在前面 早上好 明天下午见 牛肉面和饺子 绿色食品 红茶与咖啡 节约用水 高速公路出口 电影票已售完 生日快乐'.split(
    ' ',
  )
const capital = (word: string): string => word[0].toUpperCase() + word.slice(1)

const kinds: ((r: Rng) => string)[] = [
  r => `${capital(words[r.below(words.length)])} ${words[r.below(words.length)]}`,
  r => `${words[r.below(words.length)]} ${words[r.below(words.length)]} ${words[r.below(words.length)]}`,
  r => `${capital(words[r.below(words.length)])} ${r.below(90) + 10}`,
  r => `No.${r.below(900000) + 100000}`,
  r => `${2000 + r.below(30)}-${String(r.below(12) + 1).padStart(2, '0')}-${String(r.below(28) + 1).padStart(2, '0')}`,
  r => `Total:${r.below(900) + 100}.${String(r.below(100)).padStart(2, '0')}`,
  r => words[r.below(words.length)].toUpperCase(),
  r => phrases[r.below(phrases.length)],
  r => phrases[r.below(phrases.length)],
]

/** `count` different lines, none of them in `taken`, which grows by them. */
export function lineTexts(count: number, rng: Rng, taken: Set<string>): string[] {
  const lines: string[] = []
  while (lines.length < count) {
    const line = kinds[lines.length % kinds.length](rng)
    if (taken.has(line)) continue
    taken.add(line)
    lines.push(line)
  }
  return lines
}
