import type { IncomingMessage, ServerResponse } from 'node:http'

/** Answers a request. */
export type Handler = (req: IncomingMessage, res: ServerResponse) => Promise<void>

/** Handlers by path; `/docs/` has all paths below `/docs` that have no handler of their own. */
export type PathHandlers = ReadonlyMap<string, Handler>

/** The handler of a path; undefined when none of them has it. */
export function handlerOf(handlers: PathHandlers, path: string): Handler | undefined {
  return handlers.get(path) ?? handlers.get(path.slice(0, path.indexOf('/', 1) + 1))
}
