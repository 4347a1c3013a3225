import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { onTestFinished } from 'vitest'
import type { TestServer } from '#test/support/server.ts'

/** One event of a stream (HTML §9.2), or, without a name, one of its comments. */
export interface SentEvent {
  readonly name: string
  // biome-ignore lint/suspicious/noExplicitAny: whatever the server has said; the test looks at it
  readonly data: any
}

export interface StreamRequest {
  readonly query: string
  readonly variables?: Record<string, unknown>
  readonly method?: 'GET' | 'POST'
  readonly token?: string
}

/** A subscription by SSE, read no faster than the test asks for it. */
export class EventStream {
  readonly response: IncomingMessage
  readonly #sent: ClientRequest
  readonly #chunks: AsyncIterator<Buffer>
  #text = ''

  constructor(sent: ClientRequest, response: IncomingMessage) {
    this.#sent = sent
    this.response = response
    // Cutting the connection off is a failure to this side, which the test has asked for.
    sent.on('error', () => {})
    response.on('error', () => {})
    this.#chunks = response[Symbol.asyncIterator]()
  }

  /** The next event or comment; undefined when the stream has ended. */
  async next(): Promise<SentEvent | undefined> {
    for (;;) {
      const end = this.#text.indexOf('\n\n')
      if (end !== -1) {
        const block = this.#text.slice(0, end)
        this.#text = this.#text.slice(end + 2)
        return parse(block)
      }
      const { done, value } = await this.#chunks.next()
      if (done) return undefined
      this.#text += String(value)
    }
  }

  /** The events that follow, without comments, to the stream's end. */
  async *[Symbol.asyncIterator](): AsyncGenerator<SentEvent> {
    for (let event = await this.next(); event !== undefined; event = await this.next())
      if (event.name !== '') yield event
  }

  /** Cuts the connection off. */
  abort(): void {
    this.#sent.destroy()
  }
}

function parse(block: string): SentEvent {
  const fields = block.split('\n').map((line) => /^(\w*): ?(.*)$/.exec(line) ?? [line, '', ''])
  const textOf = (name: string) => fields.find(([, field]) => field === name)?.[2] ?? ''
  const data = textOf('data')
  return { name: textOf('event'), data: data === '' ? undefined : JSON.parse(data) }
}

/** Asks for a stream, which lasts no longer than its test; resolves with whatever the server has answered. */
export async function openStream(
  server: Pick<TestServer, 'url' | 'token'>,
  { query, variables = {}, method = 'POST', token = server.token }: StreamRequest,
): Promise<EventStream> {
  const search = new URLSearchParams({ query, variables: JSON.stringify(variables) })
  const sent = request(`${server.url}/graphql${method === 'GET' ? `?${search}` : ''}`, {
    method,
    agent: false,
    headers: {
      accept: 'text/event-stream',
      ...(token !== '' && { authorization: `Bearer ${token}` }),
      ...(method === 'POST' && { 'content-type': 'application/json' }),
    },
  })
  sent.end(method === 'POST' ? JSON.stringify({ query, variables }) : undefined)
  onTestFinished(() => void sent.destroy())
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  return new EventStream(sent, response)
}
