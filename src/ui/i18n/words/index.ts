// The words of the page in each language; an area of the page is a file, which has both.

import * as answers from './answers.ts'
import * as bar from './bar.ts'
import * as chart from './chart.ts'
import * as charts from './charts.ts'
import * as command from './command.ts'
import * as compare from './compare.ts'
import * as data from './data.ts'
import * as doctor from './doctor.ts'
import * as dump from './dump.ts'
import * as error from './error.ts'
import * as saving from './export.ts'
import * as frame from './frame.ts'
import * as gather from './gather.ts'
import * as graph from './graph.ts'
import * as home from './home.ts'
import * as layer from './layer.ts'
import * as lint from './lint.ts'
import * as look from './look.ts'
import * as model from './model.ts'
import * as notices from './notices.ts'
import * as projects from './projects.ts'
import * as recipe from './recipe.ts'
import * as result from './result.ts'
import * as run from './run.ts'
import * as share from './share.ts'
import * as tasks from './tasks.ts'
import * as term from './term.ts'
import * as tour from './tour.ts'
import * as variants from './variants.ts'

const areas = {
  bar,
  home,
  model,
  graph,
  data,
  recipe,
  run,
  result,
  export: saving,
  error,
  variants,
  compare,
  look,
  answers,
  dump,
  chart,
  charts,
  doctor,
  layer,
  lint,
  command,
  tasks,
  term,
  projects,
  share,
  notices,
  gather,
  tour,
}

type Areas = typeof areas
type Of<A, L extends 'en' | 'zh'> = { [K in keyof A]: A[K] extends Record<L, infer W> ? W : never }

/** What a language gives: the same keys, strings for strings and functions for functions. */
export type Words = typeof frame.en & Of<Areas, 'en'>

const words = (language: 'en' | 'zh'): Words => ({
  ...(language === 'en' ? frame.en : frame.zh),
  ...(Object.fromEntries(Object.entries(areas).map(([name, area]) => [name, area[language]])) as Of<Areas, 'en'>),
})

export const en = words('en')
export const zh = words('zh')
