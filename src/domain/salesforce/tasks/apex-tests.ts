import { z } from 'zod'
import { SalesforceFailure } from '#domain/salesforce/errors.ts'
import { PermanentFailure, type ServerTaskContext } from '#domain/tasks/task-type.ts'
import type { ApexTestsInput } from './apex-tests-input.ts'
import { type AttemptOrg, readCertificates, withOrg } from './attempt-org.ts'
import { type ApexTest, junitReport } from './junit.ts'
import { poll } from './poll.ts'
import type { SalesforceTypeOptions } from './type-options.ts'

type Context = ServerTaskContext<ApexTestsInput>

export const prepare = readCertificates

const pageForm = z.looseObject({
  records: z.array(z.looseObject({})),
  done: z.boolean(),
  nextRecordsUrl: z.string().optional(),
})
const runForm = z.looseObject({
  Status: z.string(),
  ClassesCompleted: z.number().nullish(),
  ClassesEnqueued: z.number().nullish(),
  MethodsCompleted: z.number().nullish(),
  MethodsEnqueued: z.number().nullish(),
  MethodsFailed: z.number().nullish(),
  TestTime: z.number().nullish(),
})
const testForm = z.looseObject({
  ApexClass: z.looseObject({ Name: z.string(), NamespacePrefix: z.string().nullish() }).nullish(),
  MethodName: z.string(),
  Outcome: z.enum(['Pass', 'Fail', 'CompileFail', 'Skip']),
  Message: z.string().nullish(),
  StackTrace: z.string().nullish(),
  RunTime: z.number().nullish(),
})
const coverageForm = z.looseObject({
  ApexClassOrTrigger: z.looseObject({ Name: z.string() }).nullish(),
  NumLinesCovered: z.number(),
  NumLinesUncovered: z.number(),
})

const runSoql =
  'SELECT Status, ClassesEnqueued, ClassesCompleted, MethodsEnqueued, MethodsCompleted, MethodsFailed, TestTime FROM ApexTestRunResult WHERE AsyncApexJobId = '
const testSoql =
  'SELECT ApexClass.Name, ApexClass.NamespacePrefix, MethodName, Outcome, Message, StackTrace, RunTime FROM ApexTestResult WHERE AsyncApexJobId = '
const coverageSoql = 'SELECT ApexClassOrTrigger.Name, NumLinesCovered, NumLinesUncovered FROM ApexCodeCoverageAggregate'
const queuedSoql =
  "SELECT Id FROM ApexTestQueueItem WHERE Status IN ('Holding', 'Queued', 'Preparing', 'Processing') AND ParentJobId = "

const ended = new Set(['Completed', 'Failed', 'Aborted'])
const idForm = /^707[0-9A-Za-z]{12,15}$/
const abortedAtOnce = 200
const maxRows = 100_000
const abortMs = 10_000
const namedFailures = 3

/** Runs Apex tests, and watches until all have ended. @throws {PermanentFailure} when one fails */
export function runApexTests(options: SalesforceTypeOptions, context: Context): Promise<unknown> {
  return withOrg(options, context, async (org) => {
    const { coverage } = context.input
    context.step(`tests in ${org.username}`)
    const id = await start(context.input, org)
    context.log(`test run ${id}`)
    const run = await watch(context, org, id)
    const tests = (await rowsOf(org, `${testSoql}'${id}'`)).map((row) => testOf(testForm.parse(row)))
    const durationMs = run.TestTime ?? tests.reduce((sum, test) => sum + test.durationMs, 0)
    await context.part('test-results.json', tests)
    await context.part('junit.xml', junitReport({ name: id, durationMs, tests }), 'application/xml')
    if (coverage) await context.part('coverage.json', (await rowsOf(org, coverageSoql)).map(coverageOf))
    mustHavePassed(run.Status, tests)
    const parts = ['test-results.json', 'junit.xml', ...(coverage ? ['coverage.json'] : [])]
    const skipped = tests.filter(({ outcome }) => outcome === 'Skip').length
    return { username: org.username, testRunId: id, passed: tests.length - skipped, skipped, durationMs, parts }
  })
}

async function start(
  { classes, suites, testLevel, maxFailedTests, coverage }: ApexTestsInput,
  org: AttemptOrg,
): Promise<string> {
  const body = {
    ...(classes.length > 0 && { classNames: classes.join(',') }),
    ...(suites.length > 0 && { suiteNames: suites.join(',') }),
    testLevel: testLevel ?? 'RunSpecifiedTests',
    maxFailedTests,
    skipCodeCoverage: !coverage,
  }
  const id = await org.json<unknown>({ method: 'POST', path: '/tooling/runTestsAsynchronous', body })
  if (typeof id === 'string' && idForm.test(id)) return id
  throw new SalesforceFailure('Salesforce answered in an unexpected form.', { reason: 'UNEXPECTED_ANSWER' })
}

/** Waits until all tests have ended; stopping the attempt aborts those that have not begun. */
async function watch(context: Context, org: AttemptOrg, id: string): Promise<z.output<typeof runForm>> {
  let seen = ''
  try {
    return await poll(org, context.signal, async () => {
      const [row] = await rowsOf(org, `${runSoql}'${id}'`)
      if (row === undefined) return undefined
      const run = runForm.parse(row)
      const { MethodsCompleted: done, MethodsEnqueued: all, MethodsFailed: failed } = run
      if (all) context.progress(((done ?? 0) / all) * 95)
      const line = `${run.Status}: ${done ?? 0}/${all ?? 0} tests, ${failed ?? 0} failed`
      if (line !== seen) context.log(line)
      seen = line
      return ended.has(run.Status) ? run : undefined
    })
  } catch (error) {
    if (context.signal.aborted) await abort(context, org, id)
    throw error
  }
}

/** All records of a query of the Tooling API. */
async function rowsOf(org: AttemptOrg, soql: string, signal?: AbortSignal): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = []
  let path: string | undefined = `/tooling/query?q=${encodeURIComponent(soql)}`
  while (path !== undefined && rows.length < maxRows) {
    const page = pageForm.parse(await org.json({ method: 'GET', path, ...(signal && { signal }) }))
    rows.push(...page.records)
    path = page.done ? undefined : page.nextRecordsUrl
  }
  return rows
}

async function abort(context: Context, org: AttemptOrg, id: string): Promise<void> {
  const signal = AbortSignal.timeout(abortMs)
  try {
    const queued = await rowsOf(org, `${queuedSoql}'${id}'`, signal)
    for (let at = 0; at < queued.length; at += abortedAtOnce) {
      const records = queued
        .slice(at, at + abortedAtOnce)
        .map((row) => ({ attributes: { type: 'ApexTestQueueItem' }, id: row['Id'], Status: 'Aborted' }))
      await org.json({ method: 'PATCH', path: '/composite/sobjects', body: { allOrNone: false, records }, signal })
    }
    context.log(`aborted ${queued.length} test classes`)
  } catch (error) {
    context.log(`The test run ${id} could not be aborted: ${(error as Error).message}`)
  }
}

function testOf({ ApexClass, MethodName, Outcome, Message, StackTrace, RunTime }: z.output<typeof testForm>): ApexTest {
  const namespace = ApexClass?.NamespacePrefix ? `${ApexClass.NamespacePrefix}.` : ''
  return {
    className: `${namespace}${ApexClass?.Name ?? ''}`,
    methodName: MethodName,
    outcome: Outcome,
    durationMs: RunTime ?? 0,
    message: Message ?? null,
    stackTrace: StackTrace ?? null,
  }
}

function coverageOf(row: unknown) {
  const { ApexClassOrTrigger, NumLinesCovered: covered, NumLinesUncovered: uncovered } = coverageForm.parse(row)
  const lines = covered + uncovered
  const percent = lines === 0 ? 100 : Math.round((covered / lines) * 1_000) / 10
  return { name: ApexClassOrTrigger?.Name ?? '', lines, uncovered, percent }
}

function mustHavePassed(status: string, tests: readonly ApexTest[]): void {
  const failures = tests.filter(({ outcome }) => outcome === 'Fail' || outcome === 'CompileFail')
  if (failures.length === 0 && status === 'Completed') return
  const first = failures
    .slice(0, namedFailures)
    .map(({ className, methodName, message }) => `${className}.${methodName}: ${message ?? 'failed'}`)
  const more = failures.length > namedFailures ? `; and ${failures.length - namedFailures} more` : ''
  const words =
    first.length > 0
      ? `${failures.length} of ${tests.length} tests failed: ${first.join('; ')}${more}`
      : `The test run is ${status}`
  throw new PermanentFailure(`${words}.`, 'TESTS_FAILED')
}
