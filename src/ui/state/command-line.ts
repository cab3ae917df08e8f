// The command line that does what the page does with a project: the same model, samples, input spec and recipe, to the same bytes.
import type { ProjectView } from '../../../workers/api.ts'
import type { Recipe } from '../../recipe/types.ts'

/** One word for a POSIX shell (IEEE Std 1003.1, 2.2): bare where nothing in it means anything to the shell, else in single quotes. */
export const quoted = (word: string): string =>
  /^[\w@%+=:,./][\w@%+=:,./-]*$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`

/** A path that no command takes for an option. */
const path = (name: string): string => quoted(name.startsWith('-') ? `./${name}` : name)

export interface CommandLine {
  text: string
  /** Samples that lay loose, in no folder of their own, are expected in one of this name. */
  folders: { folder: string; files: number }[]
}

/** `paths` null: the files have no folder in common. */
export function commandLine(
  { name, paths, input, inputProposed }: Pick<ProjectView, 'name' | 'paths' | 'input' | 'inputProposed'>,
  recipe: Recipe,
): CommandLine {
  const folders: CommandLine['folders'] = []
  const data = (option: string, folder: string, given: ProjectView['paths']['calibration']): string[] => {
    if (given === null) return []
    if (given.path === null) folders.push({ folder, files: given.files })
    return [option, path(given.path ?? folder)]
  }
  const file = `${name}.recipe.json`
  // A spec that nobody has confirmed is proposed there anew, and said so.
  const whole = inputProposed ? recipe : { ...recipe, input }
  const words = [
    'thimble compress',
    path(paths.model),
    ...data('--data', 'calibration', paths.calibration),
    ...data('--eval', 'evaluation', paths.evaluation),
    `--recipe ${path(file)}`,
    '--device wasm',
    `--out ${path(name)}`,
  ]
  const text = [`cat > ${path(file)} <<'END'`, JSON.stringify(whole, null, 2), 'END', words.join(' '), ''].join('\n')
  return { text, folders }
}
