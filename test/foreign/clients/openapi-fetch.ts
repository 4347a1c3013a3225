import createClient from 'openapi-fetch'
import { headers, tell, url } from './connection.ts'
import type { paths } from './generated/openapi.ts'

const client = createClient<paths>({ baseUrl: url, headers })

async function submit(name: string) {
  const { data, error } = await client.POST('/api/tasks', { body: { type: 'greets', data: { name } } })
  if (data === undefined) throw new Error(error.message)
  return data.operationId
}

async function finished(operationId: string) {
  const path = { operationId }
  await client.GET('/api/tasks/{operationId}/status', { params: { path, query: { wait: 10 } } })
  const { data, error } = await client.GET('/api/tasks/{operationId}/result', { params: { path } })
  if (data === undefined) throw new Error(error.message)
  return data
}

async function pages() {
  const ids: string[][] = []
  for (let offset = 0; ; offset += 2) {
    const { data = [], response } = await client.GET('/api/tasks', {
      params: { query: { type: ['waits'], limit: 2, offset } },
    })
    ids.push(data.map(({ operationId }) => operationId))
    if (!response.headers.has('link')) return ids
  }
}

const task = await finished(await submit('openapi-fetch'))
const path = { key: 'openapi-fetch' }
await client.POST('/api/doc-store/docs/{key}', { params: { path }, body: { value: { list: [1, null, 'ü'] } } })
const { data: document } = await client.GET('/api/doc-store/docs/{key}', { params: { path } })
const refused = await client.POST('/api/doc-store/docs/{key}', { params: { path }, body: { value: 2, version: 7 } })
const wrong = await client.GET('/api/tasks', { params: { query: { limit: 0 } } })
const place = { repository: 'foreign/openapi-fetch', resource: 'prod' }
const { data: lock } = await client.POST('/api/locks', { body: { ...place, leaseDurationSeconds: 60 } })
tell({
  status: task.status.toUpperCase(),
  result: task.result,
  pages: await pages(),
  document: document && { version: document.version, data: document.value },
  refusal: refused.error?.code,
  error: wrong.error?.code,
  ticket: lock && 'ticketId' in lock ? lock.status : undefined,
})
