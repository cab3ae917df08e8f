// The command line: picks the command, prints results on stdout and all else on stderr, and maps what happened to an exit status.
import { parentPort } from 'node:worker_threads'
import { errorRecord, StudioError } from '../base/errors.ts'
import { meant } from '../base/nearest.ts'
import { serveEngine } from '../host/node/runner.ts'
import { type OptionTable, type Parsed, parse, usage } from './arguments.ts'
import { createProgress, errorText, type ProgressLine } from './output.ts'

interface Command {
  usage: string
  about: string
  load(): Promise<{ options: OptionTable; run(args: Parsed, line: ProgressLine, signal: AbortSignal): Promise<string> }>
}

const commands: Readonly<Record<string, Command>> = {
  inspect: {
    usage: 'inspect MODEL [--json]',
    about: 'what a model holds, costs, and what would stay float',
    load: () => import('./inspect.ts'),
  },
  lint: {
    usage: 'lint MODEL --target ID [--json]',
    about: 'what a target would not run in integers, before any work',
    load: () => import('./lint.ts'),
  },
  compress: {
    usage: 'compress MODEL [--data CALIB] --out DIR [...]',
    about: 'a model in, verified bundles out',
    load: () => import('./compress.ts'),
  },
  diagnose: {
    usage: 'diagnose MODEL --data CALIB [--recipe RECIPE.json] [--target ID] [--json]',
    about: 'which layers cost the accuracy, why, and what helps',
    load: () => import('./diagnose.ts'),
  },
  sensitivity: {
    usage: 'sensitivity MODEL --data CALIB [--formats int8,int4] [--target ID] [--json]',
    about: 'how much each layer can bear of rounding and of pruning',
    load: () => import('./sensitivity.ts'),
  },
  evaluate: {
    usage: 'evaluate MODEL --data LABELLED [--reference MODEL] [--json]',
    about: 'accuracy of a model, and against another',
    load: () => import('./evaluate.ts'),
  },
  convert: {
    usage: 'convert MODEL --target ID --out DIR [--json]',
    about: 'a bundle of the model as it is',
    load: () => import('./convert.ts'),
  },
  verify: {
    usage: 'verify DIR [--dump FILE] [--json]',
    about: 'a bundle against its own golden vectors, or a device’s dump',
    load: () => import('./verify.ts'),
  },
  targets: { usage: 'targets [--json]', about: 'what bundles can be made for', load: () => import('./targets.ts') },
  recipe: {
    usage: 'recipe check RECIPE.json | recipe preset NAME',
    about: 'check a recipe, or print a preset',
    load: () => import('./recipe.ts'),
  },
}

const general = `thimble: neural-network compression that stays on this machine

${Object.values(commands)
  .map(c => `  thimble ${c.usage}\n      ${c.about}`)
  .join('\n')}

thimble COMMAND --help lists the options of a command. Exit status: 0 done, 1 failed, 2 used wrongly, 130 interrupted.

Example:
  thimble compress model.onnx --data photos/ --eval labelled.zip --out compressed
`

async function main(argv: readonly string[], line: ProgressLine, signal: AbortSignal): Promise<string> {
  const [name, ...rest] = argv
  if (!name || name === '--help' || name === '-h' || name === 'help') return general
  if (name === '--version') return `${__THIMBLE_VERSION__}\n`
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (!command) {
    const near = meant(name, Object.keys(commands))
    throw usage(
      `There is no command ${name}${near ? `; did you mean ${near}?` : ''}`,
      `Commands: ${Object.keys(commands).join(', ')}.`,
    )
  }
  const { options, run } = await command.load()
  if (rest.includes('--help') || rest.includes('-h')) return helpOf(command, options)
  return run(parse(rest, options, `thimble ${command.usage}`), line, signal)
}

function helpOf(command: Command, options: OptionTable): string {
  const rows = Object.entries(options).map(([name, o]) => [
    `--${name}${o.value ? ` ${o.value}` : ''}`,
    o.about + (o.many ? ' (may be repeated)' : ''),
  ])
  const width = Math.max(...rows.map(r => r[0].length))
  return `thimble ${command.usage}\n\n${command.about}\n\n${rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n')}\n`
}

declare const __THIMBLE_VERSION__: string

// The bundle is one file: its engine threads start from it too.
if (parentPort) serveEngine(parentPort, async () => (await import('../jobs/tasks.ts')).tasks)
else await commandLine()

async function commandLine(): Promise<void> {
  const line = createProgress()
  const abort = new AbortController()
  let stopped = 0
  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => {
      line.say('interrupted')
      stopped = status
      abort.abort()
      // The engine may be in the middle of a run that cannot be broken off; nothing half-written is left either way.
      setTimeout(() => process.exit(status), 50)
    })
  }
  // Whoever reads stdout may have seen enough: `thimble inspect model.onnx | head`.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit(0)
  })

  try {
    const result = await main(process.argv.slice(2), line, abort.signal)
    line.done()
    await new Promise<void>(done => process.stdout.write(result, () => done()))
    process.exit(process.exitCode ?? 0)
  } catch (thrown) {
    line.done()
    if (abort.signal.aborted) process.exit(stopped)
    const error = errorRecord(thrown)
    process.stderr.write(errorText(error))
    if (process.env.THIMBLE_DEBUG && thrown instanceof Error)
      process.stderr.write(
        `${thrown.stack}\n${thrown instanceof StudioError && thrown.cause instanceof Error ? thrown.cause.stack : ''}\n`,
      )
    process.exit(error.code === 'usage' ? 2 : 1)
  }
}
