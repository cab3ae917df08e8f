// Errors from inside a reader name the file that was opened.
import { StudioError } from '../base/errors.ts'

export async function inFile<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof StudioError)) throw error
    const { code, message, hint, where } = error
    throw new StudioError(code, message, { where: { file: path, ...where }, hint, cause: error })
  }
}
