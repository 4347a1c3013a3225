import { pipeline } from 'node:stream'
import { parse } from 'csv-parse'
import { z } from 'zod'
import { SalesforceFailure } from '#domain/salesforce/errors.ts'
import type { ServerTaskContext } from '#domain/tasks/task-type.ts'
import type { AttemptOrg } from './attempt-org.ts'
import { poll } from './poll.ts'
import type { QueryInput } from './query-input.ts'

const jobForm = z.looseObject({
  id: z.string(),
  state: z.string(),
  errorMessage: z.string().optional(),
  numberRecordsProcessed: z.number().default(0),
})
type Job = z.output<typeof jobForm>

/** Records of one answer, each of which is one call. */
const pageRecords = 50_000
/** For one page, from the first byte to the last, in milliseconds. */
const pageTimeoutMs = 10 * 60 * 1000
const maxPageBytes = 1024 * 1024 * 1024
/** How large one part may grow before the next begins, in bytes: less than a part may have. */
const partBytes = 48 * 1024 * 1024
/** So many parts a task may have. */
const maxParts = 100
const pieceLength = 64 * 1024
const endTimeoutMs = 5_000

const contentTypes = { ndjson: 'application/x-ndjson', csv: 'text/csv' } as const

/** Runs a query by Bulk API 2.0, and streams its records into parts; stopping the attempt aborts the job. */
export async function bulkQuery(context: ServerTaskContext<QueryInput>, org: AttemptOrg): Promise<unknown> {
  const { soql, includeDeleted, format } = context.input
  context.step(`bulk query in ${org.username}`)
  const asked = { operation: includeDeleted ? 'queryAll' : 'query', query: soql, contentType: 'CSV', lineEnding: 'LF' }
  const { id } = jobForm.parse(await org.json({ method: 'POST', path: '/jobs/query', body: asked }))
  context.log(`bulk job ${id}`)
  try {
    const { numberRecordsProcessed: totalSize } = await finished(context, org, id)
    context.step('download')
    const parts = await keep(context, recordsOf(context, org, id), { format, totalSize })
    return { username: org.username, totalSize, jobId: id, format, parts }
  } finally {
    await end(org, id, context.signal.aborted)
  }
}

/** The job once it is complete. @throws {SalesforceFailure} with Salesforce's words when it has failed */
function finished({ signal, progress, log }: ServerTaskContext, org: AttemptOrg, id: string): Promise<Job> {
  let seen = -1
  return poll(org, signal, async () => {
    const job = jobForm.parse(await org.json({ method: 'GET', path: `/jobs/query/${id}` }))
    if (job.state === 'JobComplete') return job
    if (job.state === 'Failed' || job.state === 'Aborted') {
      const message = `The bulk job ${id} is ${job.state}${job.errorMessage ? `: ${job.errorMessage}` : '.'}`
      throw new SalesforceFailure(message, { reason: 'BULK_JOB_FAILED' })
    }
    if (job.numberRecordsProcessed !== seen) log(`${job.state}: ${job.numberRecordsProcessed} records`)
    seen = job.numberRecordsProcessed
    progress(10)
    return undefined
  })
}

/** Streams all records into parts; returns the parts' names. */
async function keep(
  context: ServerTaskContext,
  rows: AsyncIterator<string[]>,
  { format, totalSize }: { format: QueryInput['format']; totalSize: number },
): Promise<string[]> {
  const header = (await rows.next()).value ?? []
  const names: string[] = []
  let written = 0
  let next = await rows.next()
  async function* part(): AsyncGenerator<string> {
    let text = format === 'csv' ? csvLine(header) : ''
    for (let bytes = 0; !next.done && bytes < partBytes; next = await rows.next()) {
      text += format === 'csv' ? csvLine(next.value) : `${JSON.stringify(recordOf(header, next.value))}\n`
      written += 1
      if (text.length < pieceLength) continue
      bytes += Buffer.byteLength(text)
      context.progress(10 + (written / Math.max(totalSize, written)) * 90)
      yield text
      text = ''
    }
    if (text !== '') yield text
  }
  do {
    if (names.length === maxParts)
      throw new SalesforceFailure(
        `The result is larger than ${maxParts} parts of ${partBytes} bytes; ask for less in one query.`,
        { reason: 'RESULT_TOO_LARGE' },
      )
    const place = String(names.length + 1).padStart(3, '0')
    const name = format === 'csv' ? `records-${place}.csv` : `records-${place}.ndjson`
    await context.part(name, part(), contentTypes[format])
    names.push(name)
  } while (!next.done)
  return names
}

function recordOf(header: readonly string[], row: readonly string[]): Record<string, string | null> {
  return Object.fromEntries(header.map((name, index) => [name, row[index] || null]))
}

function csvLine(row: readonly string[]): string {
  return `${row.map((field) => `"${field.replaceAll('"', '""')}"`).join(',')}\n`
}

/** The header, and then all records of all pages. */
async function* recordsOf({ signal }: ServerTaskContext, org: AttemptOrg, jobId: string): AsyncGenerator<string[]> {
  let locator: string | undefined
  let isFirst = true
  do {
    const query = new URLSearchParams({ maxRecords: String(pageRecords), ...(locator !== undefined && { locator }) })
    const page = await org.open({
      method: 'GET',
      path: `/jobs/query/${jobId}/results?${query}`,
      headers: { accept: 'text/csv' },
      timeoutMs: pageTimeoutMs,
      maxBytes: maxPageBytes,
    })
    // What ends either end of it is thrown to the reader by `for await`.
    const rows = pipeline(page.body, parse({ bom: true }), () => undefined)
    let isHeader = true
    for await (const row of rows as AsyncIterable<string[]>) {
      signal.throwIfAborted()
      // Each page repeats the header.
      if (!isHeader || isFirst) yield row
      isHeader = false
    }
    isFirst = false
    const next = String(page.headers['sforce-locator'] ?? 'null')
    locator = next === 'null' || next === '' ? undefined : next
  } while (locator !== undefined)
}

/** Aborts a job that is not wanted any more, and deletes it in any case: orgs keep them for a week otherwise. */
async function end(org: AttemptOrg, jobId: string, isAborted: boolean): Promise<void> {
  const path = `/jobs/query/${jobId}`
  const soon = { timeoutMs: endTimeoutMs, signal: new AbortController().signal }
  try {
    if (isAborted) await org.json({ method: 'PATCH', path, body: { state: 'Aborted' }, ...soon })
    await org.json({ method: 'DELETE', path, ...soon })
  } catch (error) {
    // Salesforce deletes the job later; the outcome of the attempt matters more.
    if (!(error instanceof SalesforceFailure)) throw error
  }
}
