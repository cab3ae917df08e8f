// The one error class: what happened, where, and what to do. Plain fields, so that it survives a thread boundary.

export const errorCodes = [
  'usage', // the command or call was made wrongly
  'not-a-model', // the bytes are not of any known format
  'truncated', // the file ends too early
  'malformed', // the format is known, its content is broken
  'missing-file', // external data or a named file is not there
  'invalid-graph', // cycle, undefined value, duplicate definition
  'unsupported', // the runtime or a target does not know an operator or type
  'bad-weights', // NaN or Inf in weights
  'bad-data', // samples unreadable, of wrong shape, or none
  'bad-recipe', // unknown key, selector without match, step without what it needs
  'not-available', // WebGPU on the command line and the like
  'device-lost', // the GPU went away
  'out-of-memory',
  'storage-full',
  'storage', // a write that did not read back as written
  'locked', // another tab owns the project
  'cancelled',
  'internal',
] as const
export type ErrorCode = (typeof errorCodes)[number]

export interface Where {
  file?: string
  node?: string
  value?: string
  sample?: string
  step?: string
}

export interface ErrorRecord {
  code: ErrorCode
  message: string
  where: Where
  hint: string
}

/** What cannot go on. `message` names the thing, `hint` says what to do; one sentence each. */
export class StudioError extends Error implements ErrorRecord {
  override readonly name = 'StudioError'
  readonly code: ErrorCode
  readonly where: Where
  readonly hint: string
  constructor(code: ErrorCode, message: string, options: { where?: Where; hint: string; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.where = options.where ?? {}
    this.hint = options.hint
  }
  /** The cloneable form that crosses threads. */
  record(): ErrorRecord {
    return { code: this.code, message: this.message, where: this.where, hint: this.hint }
  }
  static from(record: ErrorRecord): StudioError {
    return new StudioError(record.code, record.message, record)
  }
}

/** Any thrown thing as a record; foreign errors become `internal` with their own words kept. */
export function errorRecord(thrown: unknown): ErrorRecord {
  if (thrown instanceof StudioError) return thrown.record()
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return {
    code: 'internal',
    message,
    where: {},
    hint: 'This is a fault of Thimble; please report it with the model’s inspect output.',
  }
}
