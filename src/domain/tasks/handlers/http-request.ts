import { z } from 'zod'
import {
  defineTaskType,
  PermanentFailure,
  type TaskContext,
  TaskFailure,
  type TaskType,
} from '#domain/tasks/task-type.ts'
import { parseExactJson } from '#lib/exact-json.ts'
import {
  headerName,
  headerValue,
  isTransportHeader,
  mergeHeaders,
  parseRetryAfter,
  repeatedHeader,
} from '#lib/http-header.ts'
import type { OpenedResponse } from '#platform/http/guarded-fetch.ts'

const input = z.strictObject({
  method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']).default('GET').describe('The method.'),
  url: z
    .url({ protocol: /^https?$/, error: 'must be an http: or https: URL' })
    .max(2_000)
    .refine(hasNoCredentials, 'must not contain credentials: they would be stored with the task')
    .describe('Where; its host must be public, unless the operator allows its network.'),
  headers: z
    .record(
      z
        .string()
        .max(100)
        .regex(headerName, 'is not the name of a header')
        .refine((name) => !isTransportHeader(name), 'is a header that only the server sets'),
      z.string().max(8_192).regex(headerValue, 'must be visible ASCII'),
    )
    .refine((all) => repeatedHeader(Object.keys(all)) === undefined, 'has a header twice, in different case')
    .default({})
    .describe('Headers by name. They are kept with the task: no place for secrets.'),
  body: z.json().optional().describe('A text is sent as it is, anything else as JSON.'),
  expectedStatus: z
    .array(z.int().min(100).max(599))
    .min(1)
    .max(50)
    .optional()
    .describe('The task completes with one of these; by default with any from 200 to 299.'),
  timeoutMs: z.int().min(1).max(600_000).default(30_000).describe('For the whole call, in milliseconds.'),
  response: z
    .enum(['result', 'part'])
    .default('result')
    .describe(
      '`result`: the body, at most 128 KiB, in the result; one that is not text as `bodyBase64`. `part`: at most 64 MiB, as the part `body`.',
    ),
})

type Request = z.output<typeof input>

/** RFC 9110 §9.2.2: sending these twice does what sending them once does. */
const idempotentMethods: ReadonlySet<Request['method']> = new Set(['GET', 'HEAD', 'PUT', 'DELETE'])

const resultBytes = 128 * 1024
const partBytes = 64 * 1024 * 1024

function hasNoCredentials(text: string): boolean {
  const url = URL.parse(text)
  return url === null || (url.username === '' && url.password === '')
}

/**
 * Sends one HTTP request. A repeated attempt sends it again, and so does one after a lost worker where the method is
 * idempotent: for something that must not be done twice, send the receiver
 * an idempotency key in a header.
 */
export function createHttpRequestType({ egressAllow }: { readonly egressAllow: readonly string[] }): TaskType {
  return defineTaskType({
    name: 'http.request',
    description: 'Makes an HTTP request, without following redirects, and keeps the answer as result or part.',
    input,
    isolation: 'none',
    defaults: ({ method }) => ({ onWorkerLost: idempotentMethods.has(method) ? 'retry' : 'fail' }),
    async run(context) {
      // What every task's process loads delays each of its starts.
      const { GuardedFetch } = await import('#platform/http/guarded-fetch.ts')
      const outbound = new GuardedFetch({ egressAllow, connections: 1 })
      try {
        return await makeRequest(context, (asked) => outbound.open(asked))
      } finally {
        await outbound.close()
      }
    },
  })
}

type Open = InstanceType<typeof import('#platform/http/guarded-fetch.ts').GuardedFetch>['open']

async function makeRequest(context: TaskContext<Request>, open: Open): Promise<unknown> {
  const { method, url, headers, body, timeoutMs, response } = context.input
  const maxBytes = response === 'part' ? partBytes : resultBytes
  const isText = typeof body === 'string'
  const type = body === undefined || isText ? {} : { 'content-type': 'application/json' }
  const text = body === undefined || isText ? body : JSON.stringify(body)
  context.step(`${method} ${new URL(url).host}`)
  const { signal } = context
  try {
    const answer = await open({
      method,
      url,
      headers: mergeHeaders(type, headers),
      body: text,
      timeoutMs,
      maxBytes,
      signal,
    })
    return await keep(context, answer)
  } catch (error) {
    throw await taskFailure(error)
  }
}

async function keep(context: TaskContext<Request>, answer: OpenedResponse): Promise<unknown> {
  const { status, headers } = answer
  const type = String(headers['content-type'] ?? 'application/octet-stream')
  if (context.input.response === 'part') {
    await context.part('body', answer.body, type)
    mustBeExpected(context.input, answer)
    return { status, headers }
  }
  const chunks: Uint8Array[] = []
  for await (const chunk of answer.body) chunks.push(chunk)
  mustBeExpected(context.input, answer)
  const bytes = Buffer.concat(chunks)
  const text = decodedText(bytes, type)
  if (text === undefined) return { status, headers, body: null, bodyBase64: bytes.toString('base64') }
  return { status, headers, body: parsed(text, type) }
}

/** The text in the charset that the answer names, or UTF-8; undefined when it is none. */
function decodedText(bytes: Buffer, type: string): string | undefined {
  const [, charset = 'utf-8'] = /;\s*charset\s*=\s*"?([^\s";]*)/i.exec(type) ?? []
  try {
    return new TextDecoder(charset, { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function mustBeExpected({ expectedStatus }: Request, { status, headers }: OpenedResponse): void {
  if (expectedStatus?.includes(status) ?? (status >= 200 && status < 300)) return
  const message = `The answer was ${status}.`
  // Of the rest, only these say that another time may be better (RFC 9110 §15.5.9, RFC 6585 §4, RFC 8470 §5.2).
  const mayPass = status >= 500 || [408, 425, 429].includes(status)
  if (!mayPass) throw new PermanentFailure(message, 'UNEXPECTED_STATUS')
  const retryAfterMs = parseRetryAfter(headers['retry-after'], new Date())
  throw new TaskFailure(message, 'UNEXPECTED_STATUS', { retryAfterMs })
}

function parsed(text: string, type: string): unknown {
  if (!/^application\/([\w.-]+\+)?json\b/i.test(type)) return text
  try {
    return parseExactJson(text)
  } catch {
    return text
  }
}

async function taskFailure(error: unknown): Promise<unknown> {
  const { OutboundFailure } = await import('#platform/http/outbound-failure.ts')
  if (!(error instanceof OutboundFailure)) return error
  const { failure, message } = error
  const code = failure === 'blocked' ? 'ADDRESS_REFUSED' : `HTTP_${failure.toUpperCase()}`
  const isFinal = failure === 'blocked' || failure === 'too_large'
  return isFinal
    ? new PermanentFailure(message, code, { cause: error })
    : new TaskFailure(message, code, { cause: error })
}
