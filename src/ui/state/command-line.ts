// The command line that does what the page does with a project: the same model, samples, input spec and recipe, to the same bytes.
import type { ProjectView, DataView as SampleSet } from '../../../workers/api.ts'
import { baseName } from '../../base/paths.ts'
import type { Recipe } from '../../recipe/types.ts'
import { csv } from './csv.ts'

/** One word for a POSIX shell (IEEE Std 1003.1, 2.2): bare where nothing in it means anything to the shell, else in single quotes. */
export const quoted = (word: string): string =>
  /^[\w@%+=:,./][\w@%+=:,./-]*$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`

/** A path that no command takes for an option. */
const path = (name: string): string => quoted(name.startsWith('-') ? `./${name}` : name)

export interface CommandLine {
  text: string
  /** Samples that were gathered in the page, and lie nowhere but in the project. */
  gathered: boolean
  /** Samples that lay loose, in no folder of their own, are expected in one of this name. */
  folders: { folder: string; files: number }[]
}

/** `paths` null: the files have no folder in common. */
export function commandLine(
  project: Pick<ProjectView, 'name' | 'paths' | 'input' | 'inputProposed'> &
    Record<'calibration' | 'evaluation', Pick<SampleSet, 'byHand'> | null>,
  recipe: Recipe,
): CommandLine {
  const { name, paths, input, inputProposed } = project
  const folders: CommandLine['folders'] = []
  const labels: string[] = []
  const data = (option: string, role: 'calibration' | 'evaluation'): string[] => {
    const given = paths[role]
    if (given === null) return []
    if (given.path === null) folders.push({ folder: role, files: given.files })
    const folder = given.path ?? role
    const byHand = project[role]?.byHand
    if (byHand) {
      const rows = Object.entries(byHand).map(([sample, value]) => [baseName(sample), value])
      labels.push(`cat > ${path(`${folder}/labels.csv`)} <<'END'`, `${csv(['file', 'label'], rows)}END`)
    }
    return [option, path(folder)]
  }
  const file = `${name}.recipe.json`
  // A spec that nobody has confirmed is proposed there anew, and said so.
  const whole = inputProposed ? recipe : { ...recipe, input }
  const words = [
    'thimble compress',
    path(paths.model),
    ...data('--data', 'calibration'),
    ...data('--eval', 'evaluation'),
    `--recipe ${path(file)}`,
    '--device wasm',
    `--out ${path(name)}`,
  ]
  const lines = [...labels, `cat > ${path(file)} <<'END'`, JSON.stringify(whole, null, 2), 'END', words.join(' '), '']
  const gathered = [paths.calibration, paths.evaluation].some(given => given?.path?.split('/')[0] === 'gathered')
  return { text: lines.join('\n'), folders, gathered }
}
