import { z } from 'zod'
import type { DeploymentReport } from '#domain/salesforce/deployment.ts'
import { PermanentFailure, type ServerTaskContext, TaskFailure } from '#domain/tasks/task-type.ts'
import { junitReport, type TestRun } from './junit.ts'

/** Salesforce writes a list of one as the one itself. */
const many = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess((value) => (value === undefined || value === null ? [] : [value].flat()), z.array(schema))
const text = z.string().nullish()
/** Salesforce has numbers as texts in some places. */
const count = z.coerce.number().default(0)

const component = z.looseObject({
  componentType: text,
  fullName: text,
  fileName: text,
  problem: text,
  problemType: text,
  lineNumber: z.coerce.number().nullish(),
  columnNumber: z.coerce.number().nullish(),
})
const test = z.looseObject({ name: z.string(), methodName: z.string(), time: count, message: text, stackTrace: text })
const coverage = z.looseObject({ name: z.string(), type: text, numLocations: count, numLocationsNotCovered: count })

const details = z.looseObject({
  componentFailures: many(component),
  runTestResult: z
    .looseObject({
      numTestsRun: count,
      numFailures: count,
      totalTime: count,
      successes: many(test),
      failures: many(test),
      codeCoverage: many(coverage),
      codeCoverageWarnings: many(z.looseObject({ name: text, message: z.string() })),
    })
    .nullish(),
})

const deployResult = z.looseObject({
  id: z.string(),
  status: z.string(),
  done: z.boolean().default(false),
  success: z.boolean().default(false),
  stateDetail: text,
  errorMessage: text,
  errorStatusCode: text,
  numberComponentsDeployed: count,
  numberComponentsTotal: count,
  numberComponentErrors: count,
  numberTestsCompleted: count,
  numberTestsTotal: count,
  numberTestErrors: count,
  details: details.nullish(),
})
export type DeployResult = z.output<typeof deployResult>

export const deployAnswer = z.looseObject({ id: z.string(), deployResult: deployResult })
export type DeployAnswer = z.output<typeof deployAnswer>

/** How it ended, in numbers. */
export function reportOf(result: DeployResult): DeploymentReport {
  return {
    deployId: result.id,
    status: result.status,
    isSuccessful: result.success,
    componentsDeployed: result.numberComponentsDeployed,
    componentsTotal: result.numberComponentsTotal,
    componentErrors: result.numberComponentErrors,
    testsRun: result.numberTestsCompleted,
    testErrors: result.numberTestErrors,
  }
}

/** Keeps what there is to know as parts; returns their names. */
export async function writeParts(context: ServerTaskContext, { details: found, id }: DeployResult): Promise<string[]> {
  const parts: [name: string, data: string | readonly unknown[] | Record<string, unknown>, type?: string][] = []
  const problems = found?.componentFailures ?? []
  if (problems.length > 0) parts.push(['component-problems.json', problems.map(problemOf)])
  const run = found?.runTestResult
  if (run != null && run.numTestsRun > 0) {
    const tests = testRunOf(id, run)
    parts.push(
      ['test-results.json', tests.tests],
      ['coverage.json', run.codeCoverage.map(coverageOf)],
      ['junit.xml', junitReport(tests), 'application/xml'],
    )
  }
  for (const part of parts) await context.part(...part)
  return parts.map(([name]) => name)
}

function problemOf({
  componentType,
  fullName,
  fileName,
  problem,
  problemType,
  lineNumber,
  columnNumber,
}: z.output<typeof component>) {
  return {
    type: componentType ?? null,
    name: fullName ?? null,
    file: fileName ?? null,
    line: lineNumber ?? null,
    column: columnNumber ?? null,
    severity: problemType ?? null,
    message: problem ?? null,
  }
}

function coverageOf({ name, type, numLocations, numLocationsNotCovered }: z.output<typeof coverage>) {
  const covered = numLocations - numLocationsNotCovered
  const percent = numLocations === 0 ? 100 : Math.round((covered / numLocations) * 1_000) / 10
  return { name, type: type ?? null, lines: numLocations, uncovered: numLocationsNotCovered, percent }
}

type RunTestResult = NonNullable<NonNullable<DeployResult['details']>['runTestResult']>

function testRunOf(name: string, { successes, failures, totalTime }: RunTestResult): TestRun {
  const failed = failures.map(({ message, stackTrace, ...one }) => ({
    ...testOf(one),
    outcome: 'Fail' as const,
    message: message ?? null,
    stackTrace: stackTrace ?? null,
  }))
  const passed = successes.map((one) => ({ ...testOf(one), outcome: 'Pass' as const, message: null, stackTrace: null }))
  return { name, durationMs: totalTime, tests: [...failed, ...passed] }
}

function testOf({ name, methodName, time }: { name: string; methodName: string; time: number }) {
  return { className: name, methodName, durationMs: time }
}

const namedProblems = 3
/** Problems that the same deployment may not meet again later. */
const passing = /UNABLE_TO_LOCK_ROW|REQUEST_LIMIT_EXCEEDED|SERVER_UNAVAILABLE|unable to obtain exclusive access/i

/** @throws {TaskFailure} in Salesforce's words when it has not succeeded */
export function mustHaveSucceeded(result: DeployResult): void {
  if (result.success) return
  const problems = problemsOf(result)
  const more = problems.length > namedProblems ? `; and ${problems.length - namedProblems} more` : ''
  const words = problems.slice(0, namedProblems).join('; ') + more
  if (result.status === 'Canceled')
    throw new PermanentFailure(`It was cancelled in the org.${words && ` ${words}`}`, 'DEPLOY_CANCELED')
  const message = `Salesforce reports ${result.status}: ${words || 'it gave no reason'}.`
  const { errorStatusCode, errorMessage } = result
  const isPassing =
    problems.length > 0 && [...problems, errorStatusCode ?? ''].every((one) => one === '' || passing.test(one))
  throw isPassing || passing.test(`${errorStatusCode} ${errorMessage}`)
    ? new TaskFailure(message, 'DEPLOY_FAILED')
    : new PermanentFailure(message, 'DEPLOY_FAILED')
}

function problemsOf({ details: found, errorMessage }: DeployResult): string[] {
  const components = (found?.componentFailures ?? []).map(({ fileName, fullName, lineNumber, problem }) => {
    const where = fileName || fullName || 'package.xml'
    return `${where}${lineNumber ? `:${lineNumber}` : ''}: ${problem ?? 'no reason given'}`
  })
  const run = found?.runTestResult
  const tests = (run?.failures ?? []).map(
    ({ name, methodName, message }) => `${name}.${methodName}: ${message ?? 'failed'}`,
  )
  const coverages = (run?.codeCoverageWarnings ?? []).map(({ name, message }) =>
    name ? `${name}: ${message}` : message,
  )
  return [...(errorMessage ? [errorMessage] : []), ...components, ...tests, ...coverages]
}
