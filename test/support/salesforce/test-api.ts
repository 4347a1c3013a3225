import type { FakeAnswer, FakeRequest } from './oauth.ts'
import { ApiRefusal, notAllowed } from './refusal.ts'
import { type FakeTestRun, type FakeWork, fakeId } from './work.ts'

const knownFields = ['classNames', 'suiteNames', 'testLevel', 'maxFailedTests', 'skipCodeCoverage']

/** Starts Apex tests, as `/tooling/runTestsAsynchronous` does. */
export function runTests(work: FakeWork, { method, body }: FakeRequest): FakeAnswer {
  if (method !== 'POST') throw notAllowed()
  const asked = JSON.parse(body) as Record<string, string>
  const unknown = Object.keys(asked).find((name) => !knownFields.includes(name))
  if (unknown !== undefined) throw new ApiRefusal(400, 'JSON_PARSER_ERROR', `Unrecognized field "${unknown}"`)
  const { classNames, testLevel } = asked
  if ((classNames === undefined) === (testLevel === 'RunSpecifiedTests'))
    throw new ApiRefusal(400, 'INVALID_INPUT', 'classes belong to RunSpecifiedTests')
  const classes = classNames?.split(',') ?? [...work.tests.keys()]
  const missing = classes.find((name) => !work.tests.has(name))
  if (missing !== undefined)
    throw new ApiRefusal(400, 'INVALID_INPUT', `This class name's value is invalid: ${missing}`)
  const run: FakeTestRun = { id: fakeId('707'), classes, status: 'Queued' }
  work.testRuns.set(run.id, run)
  return { status: 200, body: JSON.stringify(run.id), headers: { 'content-type': 'application/json' } }
}

/** What the Tooling API's queries about tests find; undefined for other queries. */
export function testRecords(work: FakeWork, soql: string): Record<string, unknown>[] | undefined {
  const [, object, id = ''] = / FROM (\w+)(?: WHERE .*'(\w+)')?$/.exec(soql) ?? []
  const run = work.testRuns.get(id)
  if (object === 'ApexCodeCoverageAggregate')
    return [{ ApexClassOrTrigger: { Name: 'Invoices' }, NumLinesCovered: 8, NumLinesUncovered: 2 }]
  if (run === undefined) return object?.startsWith('ApexTest') ? [] : undefined
  if (object === 'ApexTestRunResult') return [advanced(work, run)]
  if (object === 'ApexTestQueueItem') return run.status === 'Aborted' ? [] : [{ Id: fakeId('709'), Run: run.id }]
  return object === 'ApexTestResult' ? resultsOf(work, run) : undefined
}

function advanced(work: FakeWork, run: FakeTestRun): Record<string, unknown> {
  if (run.status === 'Processing' && !work.isHeld) run.status = 'Completed'
  if (run.status === 'Queued') run.status = 'Processing'
  const results = resultsOf(work, run)
  const isDone = run.status === 'Completed'
  return {
    Status: run.status,
    ClassesEnqueued: run.classes.length,
    MethodsEnqueued: results.length,
    MethodsCompleted: isDone ? results.length : 0,
    MethodsFailed: isDone ? results.filter(({ Outcome }) => Outcome === 'Fail').length : 0,
    TestTime: isDone ? results.length * 12 : null,
  }
}

function resultsOf(work: FakeWork, { classes }: FakeTestRun): Record<string, unknown>[] {
  return classes.flatMap((name) =>
    (work.tests.get(name) ?? []).map(({ method, failure }) => ({
      ApexClass: { Name: name, NamespacePrefix: null },
      MethodName: method,
      Outcome: failure === undefined ? 'Pass' : 'Fail',
      Message: failure ?? null,
      StackTrace: failure === undefined ? null : `Class.${name}.${method}: line 3, column 1`,
      RunTime: 12,
    })),
  )
}

/** Aborts what waits, by `/composite/sobjects`. */
export function abortTests(work: FakeWork, { method, body }: FakeRequest): FakeAnswer {
  if (method !== 'PATCH') throw notAllowed()
  const { records } = JSON.parse(body) as { records: { attributes: { type: string }; id: string; Status: string }[] }
  if (
    records.length > 200 ||
    records.some(({ attributes, Status }) => attributes.type !== 'ApexTestQueueItem' || Status !== 'Aborted')
  )
    throw new ApiRefusal(400, 'INVALID_INPUT', 'only aborting tests is known here')
  for (const run of work.testRuns.values()) if (run.status !== 'Completed') run.status = 'Aborted'
  return { status: 200, body: records.map(({ id }) => ({ id, success: true, errors: [] })) }
}
