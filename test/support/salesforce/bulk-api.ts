import type { FakeAnswer, FakeRequest } from './oauth.ts'
import { ApiRefusal, notAllowed, notFound } from './refusal.ts'
import { type FakeBulkJob, type FakeRows, type FakeWork, fakeId } from './work.ts'

/** Records in one answer, however many are asked for. */
const maxPage = 20_000

/** Bulk API 2.0 queries below `/jobs/query`. */
export function answerBulk(work: FakeWork, path: string, request: FakeRequest): FakeAnswer {
  if (path === '/jobs/query') return create(work, request)
  const [, id = '', results] = /^\/jobs\/query\/(\w+)(\/results)?$/.exec(path) ?? []
  const job = work.bulkJobs.get(id)
  if (job === undefined) throw notFound()
  if (results !== undefined) return resultsOf(work, job, request)
  if (request.method === 'GET') return look(work, job)
  if (request.method === 'PATCH') {
    if (JSON.parse(request.body).state !== 'Aborted') throw new ApiRefusal(400, 'INVALIDJOBSTATE', 'only Aborted')
    job.state = 'Aborted'
    return { status: 200, body: told(work, job) }
  }
  if (request.method !== 'DELETE') throw notAllowed()
  if (job.state !== 'JobComplete' && job.state !== 'Aborted')
    throw new ApiRefusal(400, 'INVALIDJOBSTATE', 'Deleting not allowed for a job that runs')
  work.bulkJobs.delete(id)
  return { status: 204, body: '' }
}

function create(work: FakeWork, { method, headers, body }: FakeRequest): FakeAnswer {
  if (method !== 'POST') throw notAllowed()
  if (!headers['content-type']?.startsWith('application/json'))
    throw new ApiRefusal(415, 'UNSUPPORTED_MEDIA_TYPE', 'Content-Type header must be application/json')
  const { operation, query, contentType, lineEnding, ...rest } = JSON.parse(body) as Record<string, string>
  const [extra] = Object.keys(rest)
  if (extra !== undefined) throw new ApiRefusal(400, 'INVALIDJOB', `Unrecognized field "${extra}"`)
  if (!/^query(All)?$/.test(operation ?? '') || contentType !== 'CSV' || lineEnding !== 'LF')
    throw new ApiRefusal(400, 'INVALIDJOB', 'unsupported operation, contentType or lineEnding')
  const [, object] = /^\s*select\s+[\w\s,.]+?\s+from\s+(\w+)/i.exec(query ?? '') ?? []
  if (object === undefined || !work.rows.has(object))
    throw new ApiRefusal(400, 'API_ERROR', `MALFORMED_QUERY: ${query}`)
  const job: FakeBulkJob = { id: fakeId('750'), object, state: 'UploadComplete' }
  work.bulkJobs.set(job.id, job)
  return { status: 200, body: told(work, job) }
}

function look(work: FakeWork, job: FakeBulkJob): FakeAnswer {
  if (!work.isHeld && job.state === 'InProgress') job.state = 'JobComplete'
  if (job.state === 'UploadComplete') job.state = 'InProgress'
  return { status: 200, body: told(work, job) }
}

function told(work: FakeWork, { id, object, state }: FakeBulkJob): object {
  const count = work.rows.get(object)?.count ?? 0
  return {
    id,
    operation: 'query',
    object,
    state,
    contentType: 'CSV',
    ...(state === 'JobComplete' && { numberRecordsProcessed: count }),
  }
}

function resultsOf(work: FakeWork, job: FakeBulkJob, { method, query, headers }: FakeRequest): FakeAnswer {
  if (method !== 'GET') throw notAllowed()
  if (job.state !== 'JobComplete') throw new ApiRefusal(400, 'INVALIDJOBSTATE', 'the job is not complete')
  if (headers['accept'] !== 'text/csv') throw new ApiRefusal(406, 'NOT_ACCEPTABLE', 'only text/csv')
  const rows = work.rows.get(job.object)
  if (rows === undefined) throw notFound()
  const from = Number(Buffer.from(query.get('locator') ?? '', 'base64url').toString() || 0)
  const to = Math.min(rows.count, from + Math.min(maxPage, Number(query.get('maxRecords') ?? maxPage)))
  const locator = to < rows.count ? Buffer.from(String(to)).toString('base64url') : 'null'
  return {
    status: 200,
    headers: { 'content-type': 'text/csv', 'sforce-locator': locator, 'sforce-numberofrecords': String(to - from) },
    body: csv(rows, from, to),
  }
}

async function* csv(rows: FakeRows, from: number, to: number): AsyncGenerator<string> {
  let text = line(rows.columns)
  for (let index = from; index < to; index += 1) {
    text += line(rows.row(index))
    if (text.length < 65_536) continue
    yield text
    text = ''
  }
  yield text
}

function line(fields: readonly string[]): string {
  return `${fields.map((field) => `"${field.replaceAll('"', '""')}"`).join(',')}\n`
}
