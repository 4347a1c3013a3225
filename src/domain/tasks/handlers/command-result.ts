import { lstat, readFile } from 'node:fs/promises'
import { outputLimits, PermanentFailure } from '#domain/tasks/task-type.ts'
import { inexactNumber } from '#lib/exact-json.ts'
import { faultPath } from '#lib/json-rule.ts'
import { decodeUtf8 } from '#lib/utf8.ts'

/**
 * What a program that ended well left in `$SIGNALBOX_RESULT`; `{ exitCode: 0 }` when it left nothing.
 * @throws {PermanentFailure} when that isn't JSON, is too large, or holds a number that would be changed.
 */
export async function readCommandResult(file: string): Promise<unknown> {
  const found = await lstat(file).catch(() => undefined)
  if (!found) return { exitCode: 0 }
  if (!found.isFile()) throw new PermanentFailure('$SIGNALBOX_RESULT is not a file any more.', 'INVALID_RESULT')
  if (found.size > outputLimits.partBytes)
    throw new PermanentFailure(
      `$SIGNALBOX_RESULT holds ${found.size.toLocaleString('en')} bytes, too many to be kept.`,
      'RESULT_TOO_LARGE',
    )
  const result = parse(decodeUtf8(await readFile(file)))
  const fault = inexactNumber(result)
  if (fault !== undefined)
    throw new PermanentFailure(
      `It exited with code 0, but in $SIGNALBOX_RESULT ${faultPath('result', fault)} ${fault.message}.`,
      'INVALID_RESULT',
    )
  return result
}

function parse(text: string | undefined): unknown {
  if (text === undefined)
    throw new PermanentFailure(
      'It exited with code 0, but what it wrote to $SIGNALBOX_RESULT is not UTF-8.',
      'INVALID_RESULT',
    )
  try {
    return JSON.parse(text)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new PermanentFailure(
      `It exited with code 0, but what it wrote to $SIGNALBOX_RESULT is not JSON: ${reason}`,
      'INVALID_RESULT',
      { cause },
    )
  }
}
