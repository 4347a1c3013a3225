import type { ServerResponse } from 'node:http'

/** How a fake answers requests that it was asked to fail. */
export type Fault =
  /** This answer instead of the right one; nothing is done. */
  | { readonly kind: 'answer'; readonly status: number; readonly body: unknown }
  /** The page that Salesforce shows during maintenance. */
  | { readonly kind: 'maintenance' }
  /** The connection breaks; nothing is done. */
  | { readonly kind: 'break' }
  /** The request is carried out, and its answer is held back until `release` is called. */
  | { readonly kind: 'hold'; readonly held: Promise<void> }

interface Armed {
  readonly path: RegExp
  readonly fault: Fault
  times: number
}

const maintenancePage = `<!DOCTYPE html><html><head><title>Salesforce - Maintenance</title></head>
<body><h1>We are down for maintenance.</h1><p>Sorry for the inconvenience.</p></body></html>`

/** Which requests of a fake fail, and how. */
export class Faults {
  #armed: Armed[] = []

  /** The next `times` requests whose path matches fail. */
  arm(path: RegExp, fault: Fault, times = 1): void {
    this.#armed.push({ path, fault, times })
  }

  /** From now on nothing fails. */
  clear(): void {
    this.#armed = []
  }

  /** The fault of this request; undefined when it is answered as it should be. */
  take(path: string): Fault | undefined {
    const armed = this.#armed.find((one) => one.path.test(path))
    if (armed === undefined) return undefined
    armed.times -= 1
    if (armed.times <= 0) this.#armed = this.#armed.filter((one) => one !== armed)
    return armed.fault
  }
}

/** Answers with a fault that replaces the answer. */
export function answerFault(fault: Exclude<Fault, { kind: 'hold' }>, response: ServerResponse): void {
  if (fault.kind === 'break') {
    response.socket?.destroy()
    return
  }
  const isPage = fault.kind === 'maintenance' || typeof fault.body === 'string'
  const status = fault.kind === 'maintenance' ? 503 : fault.status
  const body = fault.kind === 'maintenance' ? maintenancePage : fault.body
  response.writeHead(status, { 'content-type': isPage ? 'text/html;charset=UTF-8' : 'application/json' })
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}
