import type { AttemptOutput } from '#domain/tasks/runner.ts'
import { outputLimits, PermanentFailure } from '#domain/tasks/task-type.ts'
import { attemptJson, shallow } from './attempt-json.ts'
import { resultPartName } from './limited-output.ts'
import type { SecretMask } from './secret-mask.ts'

const result = { what: 'The result', code: 'INVALID_RESULT' }

/**
 * The result as the outcome carries it: itself, or, when it is too large for that, a pointer to the part that holds it;
 * without secrets that `mask` knows.
 * @throws {PermanentFailure} when it is not JSON, too large even for a part, or nested too deeply.
 */
export async function deliverResult(value: unknown, output: AttemptOutput, mask?: SecretMask): Promise<unknown> {
  const json = maskedJson(attemptJson(value, result), mask)
  const sizeBytes = Buffer.byteLength(json)
  if (sizeBytes <= outputLimits.resultBytes) return shallow(JSON.parse(json), result)
  if (sizeBytes > outputLimits.partBytes)
    throw new PermanentFailure(
      `The result is ${sizeBytes.toLocaleString('en')} bytes; at most ${outputLimits.partBytes.toLocaleString('en')} can be kept.`,
      'RESULT_TOO_LARGE',
    )
  shallow(value, result)
  const part = await output.openPart(resultPartName, 'application/json')
  await part.write(Buffer.from(json))
  await part.close()
  return { truncated: true, sizeBytes, part: resultPartName }
}

function maskedJson(json: string, mask: SecretMask | undefined): string {
  return mask === undefined ? json : JSON.stringify(mask.json(shallow(JSON.parse(json), result)))
}
