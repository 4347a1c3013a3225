import { createConfig, lintFromString } from '@redocly/openapi-core'
import { expect, it } from 'vitest'
import { startTestServer } from '#test/support/server.ts'

/** What the recommended rules find, and why it stays. */
const accepted: readonly { readonly rule: string; readonly at: string; readonly reason: string }[] = [
  { rule: 'info-license', at: '#/info', reason: 'The program is licensed to nobody in particular.' },
  {
    rule: 'operation-2xx-response',
    at: '#/paths/~1api~1auth~1login/get/responses',
    reason: 'It only redirects to the identity provider.',
  },
  { rule: 'operation-4xx-response', at: '#/paths/~1livez/get/responses', reason: 'Nobody is refused or counted.' },
  { rule: 'operation-4xx-response', at: '#/paths/~1readyz/get/responses', reason: 'Nobody is refused or counted.' },
]

const byPlace = (one: { at: string }, other: { at: string }) => one.at.localeCompare(other.at)

it('the OpenAPI document follows the recommended rules of Redocly', async () => {
  const server = await startTestServer()
  try {
    const source = await (await fetch(`${server.url}/api/openapi.json`)).text()
    const config = await createConfig({ extends: ['recommended'] })
    const problems = await lintFromString({ source, absoluteRef: 'openapi.json', config })
    const found = problems.map(({ ruleId, message, location }) => ({
      rule: ruleId,
      at: location[0]?.pointer ?? '',
      message,
    }))
    const expected = accepted.map(({ rule, at }) => ({ rule, at, message: expect.any(String) }))
    expect(found.toSorted(byPlace)).toEqual(expected.toSorted(byPlace))
  } finally {
    await server.close()
  }
})
