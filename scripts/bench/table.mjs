// The measured figures as Markdown: medians, spread from the smallest to the largest, and beside each goal whether it is met.

const sorted = values => [...values].sort((a, b) => a - b)
const median = values => {
  const s = sorted(values)
  const half = s.length >> 1
  return s.length % 2 ? s[half] : (s[half - 1] + s[half]) / 2
}
const spread = (values, digits) => `${sorted(values)[0].toFixed(digits)}–${sorted(values).at(-1).toFixed(digits)}`
const megabytes = bytes => (bytes / 1e6).toFixed(0)
const verdict = (value, goal) => (value <= goal ? 'met' : `missed by ${(100 * (value / goal - 1)).toFixed(0)} %`)
const rows = list => list.map(cells => `| ${cells.join(' | ')} |`).join('\n')
const head = cells => rows([cells, cells.map(() => '---')])

/** Ratios round by round, to the plain run at the batch size whose median is the best. */
function ratios({ samples, rounds }, plainBatches) {
  const medians = plainBatches.map((_, i) => median(rounds.map(r => r.plain[i])))
  const best = medians.indexOf(Math.min(...medians))
  const of = kind => rounds.map(r => r[kind] / r.plain[best])
  const speed = ms => ((1000 * samples) / ms).toFixed(0)
  return {
    batch: plainBatches[best],
    plain: speed(medians[best]),
    ranges: { ratios: of('ranges'), speed: speed(median(rounds.map(r => r.ranges))) },
    histograms: { ratios: of('histograms'), speed: speed(median(rounds.map(r => r.histograms))) },
  }
}

export function table({ machine, node, browser, page, graph, shared, clock }) {
  const sides = [node, ...(browser ? [browser] : [])]
  const calibration = sides.flatMap(side =>
    side.calibration.map(figure => {
      const { plain, batch, ranges, histograms } = ratios(figure, [1, 4, 16])
      const cell = ({ ratios: all, speed }, goal) =>
        `${median(all).toFixed(2)} (${spread(all, 2)}), ${speed}/s${goal ? `; goal ${goal}: ${verdict(median(all), goal)}` : ''}`
      const { goals } = figure.case
      const what = `${figure.case.name}, ${side.version.split(' ')[0]}`
      return [what, `${plain}/s at batch ${batch}`, cell(ranges, goals?.ranges), cell(histograms, goals?.histograms)]
    }),
  )
  const heavy = node.calibration.at(-1).case
  const memory = sides.map(side => {
    const [few, many] = [side.memory[64], side.memory[512]]
    const within = Math.abs(many / few - 1) <= 0.1 ? 'met' : 'missed'
    return [
      side === node ? 'Node, largest resident set of the process' : 'Chromium, WebAssembly memories of all threads',
      `${megabytes(few)} MB`,
      `${megabytes(many)} MB`,
      `equal within 10 %: ${within}; 400 MB: ${verdict(Math.max(few, many), 400e6)}`,
    ]
  })
  const speeds = node.kernels.map((k, i) => [
    k.kernel,
    ...sides.flatMap(side => [side.kernels[i].wasm.toFixed(1), side.kernels[i].reference.toFixed(2)]),
  ])
  const imports = sides.map(side => {
    const { bytes, read, ms, rss } = side.import
    return `${side.version.split(' ')[0]}: ${median(ms).toFixed(0)} ms (${spread(ms, 0)}), ${(read / 1e3).toFixed(0)} kB of ${megabytes(bytes)} MB read${rss === undefined ? '' : `, resident set ${megabytes(rss)} MB larger`}`
  })
  return `${[
    `Measured on ${machine}, ${sides.map(s => s.version).join(', ')}; ${node.calibration[0].threads} engines of one thread each. Medians, with the smallest and largest of ${node.calibration[0].rounds.length} rounds.${shared ? '' : ' The networks of the project’s test data are not on this machine: the sample that ships was measured instead.'}`,
    '**Calibration** as a multiple of plain float inference of the same samples (same engines, warm, decoding outside, the plain run at the fastest of batch 1, 4 and 16; rounds interleaved), and samples per second:',
    ...(clock === 'cpu'
      ? [
          'Other programs were using the machine: Node’s figures are in processor time of all threads of the process, so that samples per second are those of one core; Chromium’s are wall time.',
        ]
      : []),
    `${head(['network', 'plain', 'min-max only', 'everything from histograms'])}\n${rows(calibration)}`,
    `**Peak memory** of the whole calibration of ${heavy.name}, decoding included, everything from histograms:`,
    `${head(['', '64 samples', '512 samples', 'goal'])}\n${rows(memory)}`,
    `With one engine (\`--threads 1\`) the process in Node takes ${megabytes(node.memory.oneEngine)} MB. A whole \`compress\` of it in Node with 64 samples (optimise, calibrate, quantise, evaluate, layer errors, latency, golden vectors): ${megabytes(node.job.peak)} MB, ${(node.job.ms / 1000).toFixed(0)} s.`,
    ...explanations(
      sides.flatMap(side => side.calibration),
      node,
    ),
    trainingLine(node.training),
    '**Kernels**, GB/s of input over 2^20 floats, WebAssembly SIMD beside the plain TypeScript twin (`scale-errors` reads its input once a candidate, `gram` once a column, `dot-int16` once a row):',
    `${head(['kernel', ...sides.flatMap(s => [`${s.version.split(' ')[0]}, SIMD`, 'plain'])])}\n${rows(speeds)}`,
    `**Import** of a model of 100 MB to inferred shapes. ${imports.join('. ')}.`,
    ...(page ? [pageLines(page)] : ['No Chromium was found, so that the page was not measured.']),
    ...(graph ? [graphLines(graph)] : []),
  ].join('\n\n')}\n`
}

function trainingLine({ name, own, torch }) {
  const ms = median(own.ms)
  const beside = torch
    ? `PyTorch ${torch.version} on one thread: ${median(torch.ms).toFixed(0)} ms (${spread(torch.ms, 0)}), so ${(ms / median(torch.ms)).toFixed(2)} times its time; goal 3: ${verdict(ms / median(torch.ms), 3)}.`
    : 'There is no PyTorch here to stand beside it.'
  return `**Training**: a step of Adam on ${name} in floats, batch 32, in WebAssembly on two threads: ${ms.toFixed(0)} ms (${spread(own.ms, 0)}), with a process of ${megabytes(own.peak)} MB. ${beside}`
}

/** Why what is missed is missed, so far as it is known. */
function explanations(calibrations, node) {
  const missed = calibrations.some(figure => {
    const { goals } = figure.case
    const { ranges, histograms } = ratios(figure, [1, 4, 16])
    return goals && (median(ranges.ratios) > goals.ranges || median(histograms.ratios) > goals.histograms)
  })
  const why = []
  if (missed)
    why.push(
      'Where calibration misses its goal: MobileNetV2 has some 28 MB of observed activations a sample, which the runtime’s interface copies out of its memory one array at a time; the statistics themselves take less than a third of what is added. Reductions inside the graph would spare the copies, but the WebAssembly runtime computes them without SIMD and they took as long.',
    )
  if (node.memory[64] > 400e6)
    why.push(
      'Where memory in Node misses its goal: the figure is the whole process. Every engine is a thread with its own instance and compiled code of the runtime, which take more than the activations; the WebAssembly memories alone are what Chromium’s row shows. It does not grow with the samples.',
    )
  return why
}

function pageLines({ files, shown, result }) {
  const runtime = /ort-wasm|\.onnx$|\.npz$/
  const counted = files.filter(f => !runtime.test(f.path))
  const kB = list => list.reduce((sum, f) => sum + f.gz, 0) / 1e3
  const shell = counted.filter(f => f.early)
  return [
    `**First load** of the page: ${kB(shell).toFixed(0)} kB compressed (gzip -9) in ${shell.length} files until it is usable; goal 90 kB: ${verdict(kB(shell), 90)}. ${kB(counted.filter(f => !f.early)).toFixed(0)} kB more follow before anybody does anything (places, workers), then the runtime and the offline copy.`,
    `Chromium, cold cache: the page is usable after ${(median(shown) / 1000).toFixed(1)} s (${spread(
      shown.map(t => t / 1000),
      1,
    )}), and the digits sample has its verified result ${(median(result) / 1000).toFixed(1)} s (${spread(
      result.map(t => t / 1000),
      1,
    )}) after the click.`,
  ].join(' ')
}

export function graphLines(sizes) {
  const gestures = Object.keys(sizes[0].found)
  const cell = ({ median, p95, busy }) =>
    `${median.toFixed(1)} / ${p95.toFixed(1)} ms; ${busy.toFixed(1)} ms of the main thread; goal 50 ms: ${verdict(p95, 50)}`
  return `**The graph**, everything in it unfolded, drawn without a graphics processor: milliseconds from frame to frame, median and 95th percentile, while pointer and wheel move it.\n\n${head(
    ['', ...sizes.map(({ nodes }) => `${nodes} nodes`)],
  )}\n${rows(gestures.map(gesture => [gesture, ...sizes.map(({ found }) => cell(found[gesture]))]))}`
}
