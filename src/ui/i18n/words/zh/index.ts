// The page in Chinese, area by area as in English.

import type { Words } from '../en/index.ts'
import { answers } from './answers.ts'
import { bar } from './bar.ts'
import { chart } from './chart.ts'
import { charts } from './charts.ts'
import { command } from './command.ts'
import { compare } from './compare.ts'
import { data } from './data.ts'
import { doctor } from './doctor.ts'
import { dump } from './dump.ts'
import { error } from './error.ts'
import { saving } from './export.ts'
import { frame } from './frame.ts'
import { gather } from './gather.ts'
import { graph } from './graph.ts'
import { home } from './home.ts'
import { layer } from './layer.ts'
import { lint } from './lint.ts'
import { look } from './look.ts'
import { model } from './model.ts'
import { notices } from './notices.ts'
import { projects } from './projects.ts'
import { recipe } from './recipe.ts'
import { result } from './result.ts'
import { run } from './run.ts'
import { share } from './share.ts'
import { tasks } from './tasks.ts'
import { term } from './term.ts'
import { tour } from './tour.ts'
import { variants } from './variants.ts'

export const zh: Words = {
  ...frame,
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
