import { z } from 'zod'
import { taskParams } from '#transport/rest/fields.ts'
import { TaskPartDocument, type TaskPartFactsFragment, TaskPartsDocument } from '#transport/rest/generated/graphql.ts'
import { partDownload, partEtag } from '#transport/rest/part-download.ts'
import { found, Refused } from '#transport/rest/refused.ts'
import { defineRoute, json, type Route } from '#transport/rest/route.ts'

const tag = 'Tasks'
const partEtagHeader = { ETag: 'The SHA-256 of the part in quotation marks; absent while it is being written.' }

const part = z
  .object({
    name: z.string().describe('Unique within the task.'),
    contentType: z.string().describe('Its media type.'),
    sizeBytes: z.int().describe('Size so far.'),
    complete: z.boolean().describe('False while it is still being written.'),
    sha256: z.string().nullable().describe('SHA-256 of its bytes in hexadecimal digits; null until it is complete.'),
    createdAt: z.iso.datetime().describe('When the first byte was written.'),
    href: z.string().describe('URL of its content.'),
  })
  .meta({ id: 'TaskPart', description: 'A named piece of a task’s result.' })

export const taskPartRoutes: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/tasks/{operationId}/result/parts',
    name: 'listTaskParts',
    tag,
    summary: 'Lists the parts of a result.',
    description: 'A part is listed as soon as the task begins to write it.',
    params: taskParams,
    answers: {
      200: { description: 'The parts in the order in which they were started; at most 100.', schema: z.array(part) },
    },
    refusals: [404],
    document: TaskPartsDocument,
    variables: ({ params }) => ({ id: params.operationId }),
    answer: ({ task }, { params: { operationId }, path }) =>
      json(200, found(task, `task ${operationId}`).parts.map(toListed(path))),
  }),
  defineRoute({
    method: 'get',
    path: '/tasks/{operationId}/result/parts/{name}',
    name: 'downloadTaskPart',
    tag,
    summary: 'Downloads one part of a result, as stored.',
    description:
      'While a part is still being written, returns what there is so far; `Range: bytes=N-` continues from there.',
    params: taskParams.extend({ name: z.string().describe('The part’s name, percent-encoded.') }),
    headers: z.object({
      range: z.string().optional().describe('One range of bytes (RFC 9110 §14.2), such as `bytes=0-1023`.'),
      'if-range': z
        .string()
        .optional()
        .describe('The range only if the part still has this `ETag`; otherwise the whole part is sent.'),
      'if-none-match': z.string().optional().describe('304 if the part still has this `ETag`.'),
    }),
    answers: {
      200: {
        description: 'The bytes, with the media type that they were stored with.',
        contentType: '*/*',
        headers: partEtagHeader,
      },
      206: {
        description: 'One range of them.',
        contentType: '*/*',
        headers: { 'Content-Range': 'Which; the total is `*` while the part is being written.', ...partEtagHeader },
      },
      304: { description: 'The part still has the `ETag` of `If-None-Match`.', headers: partEtagHeader },
    },
    refusals: [404, 410, 416],
    document: TaskPartDocument,
    variables: ({ params }) => ({ id: params.operationId, name: params.name }),
    answer({ task }, { params, headers, method, operations }) {
      const { operationId: id, name } = params
      const { part, resultExpired } = found(task, `task ${id}`)
      if (part === null && resultExpired) throw new Refused('RESULT_EXPIRED', `The result of task ${id} has expired.`)
      const known = found(part, `part "${name}" of task ${id}`)
      const etag = partEtag(known)
      if (etag !== undefined && isListed(etag, headers['if-none-match'])) return { status: 304, headers: { etag } }
      const isSame = headers['if-range'] === undefined || headers['if-range'].trim() === etag
      const range = method === 'GET' && isSame ? headers.range : undefined
      return partDownload({ id, part: known, range, operations })
    },
  }),
]

/** Whether `If-None-Match` names the tag, also as the weak one that a compressing proxy makes of it. */
function isListed(etag: string, header: string | undefined): boolean {
  const tags = header?.split(',').map((tag) => tag.trim().replace(/^W\//, '')) ?? []
  return tags.includes('*') || tags.includes(etag)
}

function toListed(path: string): (part: TaskPartFactsFragment) => z.output<typeof part> {
  return ({ name, contentType, sizeBytes, complete, sha256, createdAt }) => ({
    name,
    contentType,
    sizeBytes,
    complete,
    sha256,
    createdAt,
    href: `${path}/${encodeURIComponent(name)}`,
  })
}
