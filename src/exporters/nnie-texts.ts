// The text files of an NNIE bundle: configuration, list of calibration samples, means, and what its README says.

/** How samples reach the network: pixels with mean and scale, or numbers that were prepared before. */
export interface Feeding {
  pixels: boolean
  order: 'RGB' | 'BGR'
  norm: number
  mean: number[] | null
  scale: number
  notes: string[]
}

const shortest = (value: number): string => String(Number(value.toPrecision(9)))

const schemes: Readonly<Record<string, { mode: number; text: string }>> = {
  log8: { mode: 0, text: 'logarithmic, 8 bits' },
  log16: { mode: 1, text: 'logarithmic, 16 bits' },
  int8: { mode: 0, text: 'linear, 8 bits' },
  float: { mode: 1, text: 'left to the mapper, 16 bits' },
}

/** One number a channel. */
export const meanFile = (mean: readonly number[]): string => mean.map(m => `${shortest(m)}\n`).join('')

/** Of the schemes, the mapper is told how many bits: compile_mode 0 is 8, 1 is 16. */
export function configuration(form: string, { pixels, order, norm, mean, scale }: Feeding): string {
  const { mode, text } = schemes[form]
  const lines: [string, string | number][] = [
    ['prototxt_file', 'model.prototxt'],
    ['caffemodel_file', 'model.caffemodel'],
    ['batch_num', 1],
    ['net_type', 0],
    ['sparse_rate', 0],
    ['compile_mode', mode],
    ['is_simulation', 0],
    ['log_level', 2],
    ['instruction_name', 'model'],
    ['RGB_order', order],
    ['data_scale', shortest(scale)],
    ['internal_stride', 16],
    ['image_list', 'images.txt'],
    ['image_type', pixels ? 1 : 0],
    ['mean_file', mean ? 'mean.txt' : 'null'],
    ['norm_type', norm],
  ]
  return `# quantisation: ${text}\n${lines.map(([key, value]) => `[${key}] ${value}\n`).join('')}`
}

const listed = 20

export const imageList = ({ pixels }: Feeding): string =>
  Array.from(
    { length: listed },
    (_, i) => `calibration/${String(i).padStart(3, '0')}.${pixels ? 'jpg' : 'txt'}\n`,
  ).join('')

export const howToRun = (
  label: string,
  form: string,
  { pixels }: Feeding,
): string => `**Not run on its own runtime.** ${label} takes what HiSilicon’s closed mapper makes of these files:

1. Put ${pixels ? 'calibration images' : 'prepared samples, numbers as text in the order of the blob,'} into \`calibration/\` by the names in \`images.txt\`, or list yours there.
2. \`nnie_mapper nnie.cfg\` writes \`model.wk\`.

Quantisation: ${schemes[form].text}. The first line of \`nnie.cfg\` is a remark; delete it where your mapper takes none. A layer whose name ends in
\`_hp\` is computed in 16 bits, with \`[compile_mode] 2\`.`
