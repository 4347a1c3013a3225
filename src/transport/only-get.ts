import type { Handler } from './handler.ts'
import { requestIdOf } from './request-id.ts'
import { problemResponse } from './rest/problem.ts'
import { Refused } from './rest/refused.ts'
import { shownPath } from './shown-path.ts'

const allow = 'GET, HEAD'

/** The same handler for what can only be read: other methods are answered with 405. */
export function onlyGet(handle: Handler): Handler {
  return async (req, res) => {
    const { method = '' } = req
    if (['GET', 'HEAD'].includes(method)) return handle(req, res)
    req.resume()
    const path = shownPath((req.url ?? '/').split('?', 1)[0] ?? '/')
    const message = `${path} can't be asked with ${method}, only with ${allow}.`
    const refused = new Refused('METHOD_NOT_ALLOWED', message, { headers: { allow } })
    const requestId = requestIdOf(String(res.getHeader('x-request-id') ?? ''))
    const response = problemResponse(refused, { path, requestId })
    res.writeHead(response.status, Object.fromEntries(response.headers)).end(await response.text())
  }
}
