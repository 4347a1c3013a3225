import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerProcess } from '#test/support/process.ts'
import type { CallerName, Case } from './case.ts'

/** The longest that somebody else may wait for an answer, in milliseconds. */
const maxWaitMs = 1_000
/** After this a case has no answer, in milliseconds: longer than anything takes that is not made to wait. */
const noAnswerMs = 30_000
/** How long a stream may take to say something; most have nothing to say. */
const streamMs = 250
const casesAtOnce = 6
/** After so many cases code is compiled, and caches are filled in part. */
const warmUpCases = 1_000
/** Cases that were under way when somebody waited are repeated one by one, at most so many. */
const maxRepeated = 100
const repeats = 3

/** The outcome of a case. */
interface Outcome {
  readonly status: number | undefined
  readonly text: string
}

/** Something that no request may bring about. */
export interface Fault {
  readonly name: string
  readonly what: string
}

/** Sends hostile requests to a server, and watches how it fares. */
export class Attack {
  readonly #server: ServerProcess
  readonly #tokens: Readonly<Record<CallerName, string | undefined>>
  readonly #agent = new Agent({ keepAlive: true, maxSockets: casesAtOnce + 2 })
  readonly #underWay = new Set<Case>()
  readonly #suspects = new Set<Case>()
  readonly faults: Fault[] = []
  sent = 0
  /** What the server's process held once it had warmed up, in bytes; undefined before. */
  warmMemory: number | undefined
  #isOver = false

  constructor(server: ServerProcess, tokens: Readonly<Record<CallerName, string | undefined>>) {
    this.#server = server
    this.#tokens = tokens
  }

  /** Sends cases as they come, some at the same time. */
  async send(cases: Iterable<Case> | AsyncIterable<Case>): Promise<void> {
    const iterator = Symbol.asyncIterator in cases ? cases[Symbol.asyncIterator]() : cases[Symbol.iterator]()
    let isDone = false
    const sendRest = async () => {
      while (!isDone && this.isAlive) {
        const next = await iterator.next()
        if (next.done) isDone = true
        else await this.#try(next.value)
      }
    }
    const probing = this.#probe()
    await Promise.all(Array.from({ length: casesAtOnce }, sendRest))
    this.#isOver = true
    await probing
    await this.#repeatSuspects()
    this.#agent.destroy()
    if (!this.isAlive) this.faults.push({ name: 'the server', what: `ended:\n${this.#server.output().slice(-4_000)}` })
  }

  get isAlive(): boolean {
    return this.#server.child.exitCode === null && this.#server.child.signalCode === null
  }

  /** What the server's process holds in memory, in bytes. */
  memory(): number {
    const [, kilobytes = '0'] =
      /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${this.#server.child.pid}/status`, 'utf8')) ?? []
    return Number(kilobytes) * 1024
  }

  async #try(one: Case): Promise<void> {
    this.sent += 1
    if (this.sent === warmUpCases) this.warmMemory = this.memory()
    this.#underWay.add(one)
    const { status, text } = await this.#answer(one)
    this.#count(one, status, text)
    this.#underWay.delete(one)
    if (status === undefined) this.#suspects.add(one)
    else if (status >= 500 || /"code":"INTERNAL"/.test(text))
      this.faults.push({ name: one.name, what: `is answered with ${status} ${text.slice(0, 500)}` })
  }

  /** How cases were answered, by caller: to see that they get where they should. */
  readonly answers = new Map<string, number>()

  #count({ caller }: Case, status: number | undefined, text: string): void {
    const [, code = ''] = /"code":"(\w+)"/.exec(text) ?? []
    const key = `${caller} ${status ?? 'no answer'} ${code}`
    this.answers.set(key, (this.answers.get(key) ?? 0) + 1)
  }

  #answer({ method, path, headers, body, caller }: Case): Promise<Outcome> {
    return new Promise((resolve) => {
      const token = this.#tokens[caller]
      const isStream = headers?.['accept'] === 'text/event-stream'
      const { hostname, port } = new URL(this.#server.url)
      let text = ''
      const all = { ...headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) }
      try {
        const req = request({ hostname, port, method, path, agent: this.#agent, headers: all }, (res) => {
          const end = () => resolve({ status: res.statusCode, text })
          if (isStream) setTimeout(() => req.destroy(), streamMs)
          res.setEncoding('utf8')
          res.on('data', (chunk: string) => {
            if (text.length < 1_000_000) text += chunk
            if (isStream && text.includes('\n\n')) req.destroy()
          })
          res.on('close', end)
          res.on('error', end)
        })
        req.setTimeout(noAnswerMs, () => req.destroy())
        // A connection that the server closes is an answer, as long as the server lives.
        req.on('error', ({ message }) =>
          resolve({ status: /hang up|ECONNRESET|EPIPE/.test(message) ? 0 : undefined, text }),
        )
        req.end(body)
      } catch {
        // This client refuses to send it.
        resolve({ status: 0, text: '' })
      }
    })
  }

  /** Asks for something else again and again, and notes what was under way when that took too long. */
  async #probe(): Promise<void> {
    while (!this.#isOver && this.isAlive) {
      const before = new Set(this.#underWay)
      if ((await this.#wait()) > maxWaitMs) for (const one of [...before, ...this.#underWay]) this.#suspects.add(one)
      await sleep(20)
    }
  }

  async #wait(): Promise<number> {
    const startedAt = performance.now()
    await fetch(`${this.#server.url}/livez`).catch(() => undefined)
    return performance.now() - startedAt
  }

  /** The machine may have been busy with something else: what makes others wait does so whenever it is repeated. */
  async #repeatSuspects(): Promise<void> {
    for (const one of [...this.#suspects].slice(0, maxRepeated)) {
      let slow = 0
      for (let count = 0; count < repeats && this.isAlive; count += 1) {
        const answering = this.#answer(one)
        const waitMs = await this.#wait()
        if (waitMs > maxWaitMs || (await answering).status === undefined) slow += 1
        else break
      }
      if (slow === repeats) this.faults.push({ name: one.name, what: 'makes others wait, or has no answer' })
    }
  }
}
