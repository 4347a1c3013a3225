import { STATUS_CODES } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { clientOf, type RestClient, startRestServer } from '#test/support/rest.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { meaningOf } from '#transport/rest/codes.ts'
import { createHealth } from '#transport/rest/health.ts'
import type { OpenApiDocument } from '#transport/rest/openapi.ts'
import { problem, problemType } from '#transport/rest/problem.ts'
import { inboundHookDescriptions } from '#transport/rest/routes/inbound-hooks.ts'
import { createRoutes } from '#transport/rest/routes/table.ts'

const never = () => Promise.reject(new Error('The table is only looked at.'))
const routes = createRoutes({
  jwks: never,
  publicUrl: undefined,
  health: createHealth({
    version: '0',
    database: never,
    queues: never,
    isServing: () => true,
    journalHeldMs: () => 0,
    canWrite: () => true,
  }),
  version: '0',
  api: true,
  graphiql: true,
})

interface Operation {
  readonly operationId: string
  readonly tags: string[]
  readonly summary: string
  readonly parameters: {
    readonly name: string
    readonly in: string
    readonly required: boolean
    readonly schema: object
  }[]
  readonly requestBody?: { readonly required: boolean; readonly content: Record<string, { readonly schema: object }> }
  readonly responses: Record<string, { description?: string; $ref?: string }>
}

let server: TestServer
let rest: RestClient
let document: OpenApiDocument
beforeAll(async () => {
  server = await startRestServer()
  rest = clientOf(server)
  document = (await rest.ask<OpenApiDocument>('GET /api/openapi.json')).body
})
afterAll(() => server.close())

const operations = () =>
  Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).flatMap(([method, operation]) =>
      method === 'servers' ? [] : [{ path, method, operation: operation as Operation }],
    ),
  )

describe('the OpenAPI document', () => {
  it('is of version 3.1, and the same under both prefixes', async () => {
    expect(document.openapi).toMatch(/^3\.1\./)
    expect((await rest.ask('GET /sfp/api/openapi.json')).body).toEqual(document)
  })

  it('has every row and every hook path once; the second prefix is a server', () => {
    const expected = [...routes, ...inboundHookDescriptions].map(
      ({ method, path, place }) => `${method} ${place === 'root' ? path : `/api${path}`}`,
    )
    expect(document['servers']).toMatchObject([{ url: '/' }, { url: '/sfp' }])
    for (const { path, place } of routes)
      if (place === 'root') expect(document.paths[path]).toMatchObject({ servers: [{ url: '/' }] })
    expect(
      operations()
        .map(({ method, path }) => `${method} ${path}`)
        .toSorted(),
    ).toEqual(expected.toSorted())
  })

  it('has no reference that leads nowhere, and nothing that nobody refers to', () => {
    const references = new Set([...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref]) => ref ?? ''))
    expect(references.size).toBeGreaterThan(10)
    for (const reference of references) expect(resolve(document, reference), reference).toBeTypeOf('object')
    for (const name of Object.keys(document.components.schemas))
      expect(references).toContain(`#/components/schemas/${name}`)
    for (const name of Object.keys(document.components.responses))
      expect(references).toContain(`#/components/responses/${name}`)
  })

  it('gives each operation a name of its own, and a tag that is explained', () => {
    const names = operations().map(({ operation }) => operation.operationId)
    expect(new Set(names).size).toBe(names.length)
    const tags = (document['tags'] as { name: string }[]).map(({ name }) => name)
    for (const { operation } of operations()) expect(tags).toEqual(expect.arrayContaining(operation.tags))
  })

  it('declares exactly the parameters that each path has', () => {
    for (const { path, operation } of operations()) {
      const inPath = operation.parameters.filter((parameter) => parameter.in === 'path')
      expect(inPath.map(({ name }) => name)).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name))
      expect(inPath.every(({ required }) => required)).toBe(true)
    }
  })

  it('describes every answer, among them a success', () => {
    for (const { operation } of operations()) {
      const statuses = Object.keys(operation.responses)
      expect(statuses.some((status) => /^[23]/.test(status))).toBe(true)
      for (const response of Object.values(operation.responses))
        expect(response.description ?? response.$ref).toBeTruthy()
    }
  })

  it('says which bodies can be left out', () => {
    const bodies = operations().flatMap(({ path, method, operation }) =>
      operation.requestBody ? [{ call: `${method} ${path}`, required: operation.requestBody.required }] : [],
    )
    expect(bodies.filter(({ required }) => !required).map(({ call }) => call)).toEqual([
      'post /api/application-tokens/{id}/rotate',
      'delete /api/doc-store/docs/{key}',
      'delete /api/doc-store/collections/{name}/docs/{key}',
      'post /api/webhooks/{id}/deliver',
    ])
    for (const { operation } of operations())
      if (operation.requestBody) expect(operation.requestBody.content['application/json']?.schema).not.toEqual({})
  })

  it('needs no token, like its page', async () => {
    expect((await rest.ask('GET /api/openapi.json', { token: null })).body).toEqual(document)
    expect((await rest.ask('GET /api/docs', { token: null })).status).toBe(200)
  })

  it('gives a patch its media types, and no header that clients send by themselves', () => {
    const patch = operations().filter(({ operation }) => operation.operationId.startsWith('patchDocument'))
    expect(patch).toHaveLength(2)
    for (const { operation } of patch)
      expect(Object.keys(operation.requestBody?.content ?? {})).toEqual([
        'application/merge-patch+json',
        'application/json-patch+json',
        'application/json',
      ])
    for (const { operation } of operations())
      for (const { name, in: place } of operation.parameters)
        if (place === 'header')
          expect(['Accept', 'Authorization', 'Content-Type', 'Cookie', 'Host']).not.toContain(name)
  })

  it('has no default in the schema of a body, since generators make such fields mandatory', () => {
    const bodies = operations().flatMap(({ operation }) => Object.values(operation.requestBody?.content ?? {}))
    for (const { schema } of bodies) expect(JSON.stringify(schema)).not.toContain('"default":')
    const submission = document.components.schemas['TaskSubmission'] as { required: string[]; properties: object }
    expect(submission.required).toEqual(['type', 'data'])
    expect(submission.properties).toMatchObject({
      scheduleType: { description: expect.stringContaining('Default: `"immediate"`.') },
    })
    expect(JSON.stringify(submission)).not.toContain('"default":')
  })

  it('has an example of every problem, with a code of that status', () => {
    const responses = Object.values(document.components.responses) as {
      content: Record<string, { example: z.output<typeof problem> }>
    }[]
    expect(responses.length).toBeGreaterThan(10)
    for (const { content } of responses) {
      const example = problem.strict().parse(content[problemType]?.example)
      expect([example.status, example.title]).toEqual([meaningOf(example.code).status, STATUS_CODES[example.status]])
    }
  })

  it('says what is really answered', async () => {
    const id = await rest.submit('writes')
    await rest.reach(id, 'completed')
    const failed = await rest.submit('probe', { steps: 1, failAtStep: 1 }, { retryConfig: { maxAttempts: 1 } })
    await rest.reach(failed, 'failed')
    const holding = await rest.submit('holds')
    await rest.reach(holding, 'completed')
    const distant = await rest.submit('probe', {}, { scheduleType: 'scheduled', scheduledFor: '2099-01-01T00:00:00Z' })
    const body = { type: 'probe', data: {} }
    await holds('submitTask', await rest.ask('POST /api/tasks', { body }))
    await holds('submitTask', await rest.ask('POST /api/tasks', { body, headers: { prefer: 'wait=30' } }))
    await holds('listTasks', await rest.ask('GET /api/tasks'))
    for (const task of [id, failed, holding, distant]) {
      await holds('getTaskStatus', await rest.ask(`GET /api/tasks/${task}/status`))
      await holds('getTaskResult', await rest.ask(`GET /api/tasks/${task}/result`))
    }
    await holds('listTaskParts', await rest.ask(`GET /api/tasks/${id}/result/parts`))
    await holds('getTaskLogs', await rest.ask(`GET /api/logs/${holding}`))
    await holds('cancelTask', await rest.ask(`DELETE /api/tasks/${distant}`))
    await holds('cancelTask', await rest.ask(`DELETE /api/tasks/${distant}`))
    await holds('listTaskRuns', await rest.ask(`GET /api/tasks/${id}/recurring-instances`))
    await holds('stopRecurringTask', await rest.ask(`POST /api/tasks/${id}/stop-recurring`))
    await holdsForAccess()
    await holds('getHealth', await rest.ask('GET /api'))
    await holds('getLiveness', await rest.ask('GET /livez'))
  })
})

/** The same of tokens, users and teams. */
async function holdsForAccess(): Promise<void> {
  const token = { name: 'a tool', scopes: ['tasks:read'] }
  const made = await rest.ask<{ id: string }>('POST /api/application-tokens', { body: token })
  await holds('createApplicationToken', made)
  const rotated = await rest.ask<{ id: string }>(`POST /api/application-tokens/${made.body.id}/rotate`)
  await holds('rotateApplicationToken', rotated)
  await holds('listApplicationTokens', await rest.ask('GET /api/application-tokens'))
  for (let count = 0; count < 2; count += 1)
    await holds('revokeApplicationToken', await rest.ask(`DELETE /api/application-tokens/${rotated.body.id}`))
  const [email, other] = ['ada@example.com', 'bob@example.com']
  await holds('createUser', await rest.ask('POST /api/users', { body: { email, firstName: 'Ada', role: 'owner' } }))
  await holds('createUser', await rest.ask('POST /api/users', { body: { email: other } }))
  await holds('createUser', await rest.ask('POST /api/users', { body: { email } }))
  await holds('updateUser', await rest.ask(`PUT /api/users/${email}`, { body: { lastName: 'Lovelace' } }))
  await holds('getUser', await rest.ask(`GET /api/users/${email}`))
  await holds('getOwnUser', await rest.ask('GET /api/users/me'))
  await holds('listUsers', await rest.ask('GET /api/users'))
  await holds('createTeam', await rest.ask('POST /api/teams', { body: { name: 'One', slug: 'one' } }))
  await holds('createTeam', await rest.ask('POST /api/teams', { body: { name: 'One', slug: 'one' } }))
  await holds('listTeams', await rest.ask('GET /api/teams'))
  for (const who of [email, other])
    await holds('addTeamMember', await rest.ask('POST /api/teams/one/members', { body: { email: who } }))
  await holds('listTeamMembers', await rest.ask('GET /api/teams/one/members'))
  const role = { body: { role: 'owner' } }
  await holds('setTeamMemberRole', await rest.ask(`PUT /api/teams/one/members/${email}/role`, role))
  await holds('removeTeamMember', await rest.ask(`DELETE /api/teams/one/members/${other}`))
  await holds('removeTeamMember', await rest.ask(`DELETE /api/teams/one/members/${email}`))
  await holds('deleteTeam', await rest.ask('DELETE /api/teams/one'))
  await holds('deleteUser', await rest.ask(`DELETE /api/users/${other}`))
  await holds('deleteUserByBody', await rest.ask('DELETE /api/users', { body: { email: other } }))
}

/** An answer is one that its row documents, field by field. */
async function holds(name: string, { status, body }: { status: number; body: unknown }): Promise<void> {
  const route = routes.find((one) => one.name === name)
  const schema = status < 400 ? route?.answers[status]?.schema : problem
  expect(schema, `${name} documents ${status}`).toBeDefined()
  if (status >= 400) expect(route?.refusals).toContain(status)
  expect(strict(schema).safeParse(body).error, name).toBeUndefined()
}

/** The same schema, but refusing fields that it does not name. */
function strict(schema: z.ZodType | undefined): z.ZodType {
  if (schema instanceof z.ZodArray) return z.array(strict(schema.element as z.ZodType))
  return schema instanceof z.ZodObject ? schema.strict() : z.never()
}

function resolve(root: unknown, reference: string): unknown {
  return reference
    .slice(2)
    .split('/')
    .reduce<unknown>((place, step) => (place as Record<string, unknown> | undefined)?.[step], root)
}

describe.each(['/api', '/sfp/api'])('the page under %s', (prefix) => {
  it('runs no script that is not a file of this server', async () => {
    const { headers, body } = await rest.ask<string>(`GET ${prefix}/docs`, { token: null })
    const policy = headers.get('content-security-policy') ?? ''
    expect(policy).toContain("script-src 'self'")
    expect(policy).not.toMatch(/script-src[^;]*unsafe/)
    for (const [, attributes] of body.matchAll(/<script([^>]*)>/g))
      expect(attributes).toMatch(/ src="docs\/|type="application\/json"/)
    expect(body).not.toMatch(/(src|href)="(https?:)?\/\//)
  })

  it('holds the whole document', async () => {
    const { body } = await rest.ask<string>(`GET ${prefix}/docs`, { token: null })
    const text = /<script type="application\/json" id="document">(.*?)<\/script>/s.exec(body)?.[1] ?? ''
    expect(JSON.parse(text)).toEqual(document)
  })

  it('has all its files, to be kept for good', async () => {
    const { body } = await rest.ask<string>(`GET ${prefix}/docs`, { token: null })
    const files = [...body.matchAll(/(?:src|href)="(docs\/[^"]+)"/g)].map(([, file]) => file)
    expect(files).toHaveLength(3)
    for (const file of files) {
      const response = await rest.send(`GET ${prefix}/${file}`, { token: null })
      expect(response.status).toBe(200)
      expect(response.headers.get('cache-control')).toContain('immutable')
      expect((await response.arrayBuffer()).byteLength).toBeGreaterThan(100)
    }
  })

  it.each(['package.json', '..%2fpackage.json', '%2e%2e%2fpackage.json', 'index.html'])('has no %s', async (file) => {
    expect((await rest.ask(`GET ${prefix}/docs/${file}`, { token: null })).status).toBe(404)
  })
})

describe('the start page', () => {
  it('is the console, with files that are there', async () => {
    const { status, headers, body } = await rest.ask<string>('GET /', { token: null })
    expect([status, headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    const files = [...body.matchAll(/(?:src|href)="\.\/([^"]+)"/g)].map(([, file]) => file)
    expect(files.some((file) => file?.endsWith('.js'))).toBe(true)
    for (const file of files) expect(await rest.send(`GET /${file}`, { token: null })).toMatchObject({ status: 200 })
  })

  it('has an icon where browsers ask for it, beside /health too', async () => {
    const { status, headers, body } = await rest.ask<string>('GET /favicon.ico', { token: null })
    expect([status, headers.get('content-type')]).toEqual([200, 'image/svg+xml'])
    expect(body).toContain('<svg ')
  })

  it('names no page for queries where there is none', async () => {
    const production = await startTestServer({ env: { NODE_ENV: 'production' } })
    const { body } = await clientOf(production).ask<string>('GET /', { token: null })
    expect(body).not.toContain('href="graphql"')
    await production.close()
  })
})
