import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '#platform/system/free-port.ts'
import { clientOf, nextPage, type RestClient } from '#test/support/rest.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import type { OpenApiDocument } from '#transport/rest/openapi.ts'

const base = '/tools/signalbox'

let server: TestServer
let origin: string
let rest: RestClient
beforeAll(async () => {
  const port = String(await freePort())
  origin = `http://127.0.0.1:${port}`
  server = await startTestServer({
    configFile: join(import.meta.dirname, '../../fixtures/shared/signalbox.config.ts'),
    env: { PORT: port, PUBLIC_URL: `${origin}${base}/` },
  })
  rest = clientOf({ url: origin, token: server.token })
})
afterAll(() => server.close())

/** Follows a link as a proxy does that takes the path of `PUBLIC_URL` away. */
async function follow(link: string | null | undefined, prefix: string) {
  expect(link).toMatch(new RegExp(`^${base}${prefix}/`))
  return rest.ask<unknown>(`GET ${link?.slice(base.length)}`)
}

describe.each(['/api', '/sfp/api'])('behind a PUBLIC_URL with a path, under %s', (prefix) => {
  it('Location leads to what was created', async () => {
    const key = `created-${prefix.length}`
    const creations = [
      rest.ask(`POST ${prefix}/tasks`, { body: { type: 'holds', data: {} } }),
      rest.ask(`POST ${prefix}/key-value`, { body: { key, value: 1 } }),
      rest.ask(`PUT ${prefix}/doc-store/docs/${key}`, { body: { value: 1 } }),
      rest.ask(`POST ${prefix}/users`, { body: { email: `${key}@example.com` } }),
      rest.ask(`POST ${prefix}/webhooks`, {
        body: { name: key, event: 'nothing.at.all', config: { url: 'https://nowhere.invalid' } },
      }),
    ]
    for (const { status, headers } of await Promise.all(creations)) {
      expect(status).toBe(201)
      expect((await follow(headers.get('location'), prefix)).status).toBe(200)
    }
  })

  it('Link leads to the next page, and href to a part', async () => {
    const id = await rest.submit('writes')
    await rest.submit('holds')
    await rest.reach(id, 'completed')
    const page = await rest.ask(`GET ${prefix}/tasks?limit=1`)
    expect((await follow(nextPage(page), prefix)).body).toHaveLength(1)
    const { body } = await rest.ask<{ href: string }[]>(`GET ${prefix}/tasks/${id}/result/parts`)
    expect((await follow(body[0]?.href, prefix)).body).toBe('hello')
  })

  it('the document names the servers', async () => {
    const { body } = await rest.ask<OpenApiDocument>(`GET ${prefix}/openapi.json`)
    expect(body['servers']).toMatchObject([{ url: base }, { url: `${base}/sfp` }])
    expect(body.paths['/livez']).toMatchObject({ servers: [{ url: base }] })
  })
})

it('a device is sent to the page below that path', async () => {
  const { body } = await rest.ask('POST /api/auth/device', { body: { client_name: 'a test' }, token: null })
  expect(body['verification_uri']).toBe(`${origin}${base}/device`)
})
