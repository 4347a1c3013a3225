import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { graphqlData } from '#test/support/graphql.ts'
import { startReceiver } from '#test/support/receiver.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { createWebhook, loopbackAllowed, trigger } from '#test/support/webhooks.ts'
import { noBrowser, signIn, TestBrowser, type TestPage } from './browser.ts'

const env = { LOG_LEVEL: 'silent', RATE_LIMIT_ADDRESS: '0', ...loopbackAllowed }

describe.skipIf(noBrowser !== undefined)(
  `work in the console${noBrowser === undefined ? '' : ` (${noBrowser})`}`,
  () => {
    let server: TestServer
    let browser: TestBrowser
    beforeAll(async () => {
      browser = await TestBrowser.open()
      server = await startTestServer({ env })
    })
    afterAll(async () => {
      await browser?.close()
      await server?.close()
    })

    async function openConsole(path: string, token = server.token): Promise<TestPage> {
      const opened = await browser.page(server.url)
      await signIn(opened.page, token, path)
      return opened
    }

    const put = `mutation ($data: JSON) { putDocument(input: { collection: "releases/prod", key: "web 😀", data: $data }) {
    ... on Failure { message } } }`

    it('edits a document against a conflict, compares its versions, and restores an old one', async () => {
      await graphqlData(server, put, { data: { replicas: 1 } })
      const { page, faults, close } = await openConsole('/documents')
      await page.getByRole('link', { name: 'web 😀' }).click()
      await page.getByRole('button', { name: 'Edit' }).click()
      await page.getByLabel('Data').fill('{"replicas": 3}')
      await graphqlData(server, put, { data: { replicas: 2, by: 'somebody else' } })
      await page.getByText('Somebody has written version 2').waitFor()
      expect(await page.getByRole('button', { name: 'Save', exact: true }).isDisabled()).toBe(true)
      expect(await page.getByLabel('Data').inputValue()).toBe('{"replicas": 3}')
      await page.getByRole('button', { name: 'Save mine over version 2' }).click()
      await page.getByRole('button', { name: 'Save', exact: true }).click()
      await page.getByRole('link', { name: 'Version 3' }).waitFor()

      await page.getByRole('listitem').filter({ hasText: 'Version 1' }).getByRole('button', { name: 'Compare' }).click()
      await page.getByText('-   "replicas": 1').waitFor()
      expect(new URL(page.url()).search).toBe('?compare=1')
      await page.getByRole('link', { name: 'Version 1' }).click()
      await page.getByRole('button', { name: 'Restore version 1' }).click()
      await page.getByRole('link', { name: 'Version 4' }).waitFor()
      const query = '{ document(collection: "releases/prod", key: "web 😀") { version data } }'
      expect(await graphqlData(server, query)).toEqual({ document: { version: 4, data: { replicas: 1 } } })
      expect(faults).toEqual([])
      await close()
    })

    it('shows what a receiver answered to a delivery, and delivers it again', async () => {
      const receiver = await startReceiver()
      await createWebhook(server, { name: 'deploys', url: receiver.url, events: ['release.*'] })
      await trigger(server, { type: 'release.published', data: { version: 1 } })
      const { page, faults, close } = await openConsole('/webhooks')
      await page.getByRole('row').filter({ hasText: 'release.published' }).getByText('Delivered').waitFor()
      await page.getByRole('link', { name: 'release.published' }).click()
      await page.getByRole('heading', { name: 'Attempt 1' }).waitFor()
      await page.getByRole('button', { name: 'Redeliver' }).click()
      await page.getByRole('heading', { name: 'Attempt 2' }).waitFor()
      expect(faults).toEqual([])
      await close()
      await receiver.close()
    })

    it('shows text as text, however it is written', async () => {
      const evil = '<img src=x onerror=alert(1)><script>alert(1)</script>'
      const query = `mutation ($value: JSON, $labels: JSON) {
      setEntry(input: { key: "evil", value: $value }) { __typename }
      submitTask(input: { type: "probe", labels: $labels }) { ... on Failure { message } } }`
      await graphqlData(server, query, { value: evil, labels: { text: evil } })
      const { page, faults, close } = await openConsole('/entries/evil')
      await page.getByText(evil).first().waitFor()
      await page.goto('/tasks')
      await page.getByText(evil).first().waitFor()
      expect(faults).toEqual([])
      await close()
    })

    it('offers a reader nothing that is not theirs, and says what is missing', async () => {
      const make = `mutation { createApplicationToken(input: { name: "reader", scopes: ["tasks:read", "documents:read"] }) {
      ... on CreateApplicationTokenPayload { token applicationToken { id } } } }`
      type Made = { createApplicationToken: { token: string; applicationToken: { id: string } } }
      const { createApplicationToken: made } = await graphqlData<Made>(server, make)
      const submit =
        'mutation { submitTask(input: { type: "probe", input: { durationMs: 600000 } }) { ... on SubmitTaskPayload { task { id } } } }'
      const { submitTask } = await graphqlData<{ submitTask: { task: { id: string } } }>(server, submit)
      const { page, close } = await openConsole(`/tasks/${submitTask.task.id}`, made.token)
      const links = await page.getByRole('navigation', { name: 'Main' }).getByRole('link').allTextContents()
      expect(links).toEqual(['Overview', 'Tasks', 'Documents', 'Access', 'Settings'])
      const cancel = page.getByRole('button', { name: 'Cancel' })
      expect(await cancel.isDisabled()).toBe(true)
      expect(await cancel.getAttribute('title')).toBe('Needs the scope tasks:write')
      // Whose token is revoked while the page is open comes back to the sign-in, and stays at the address.
      const revoke = 'mutation ($id: String!) { revokeApplicationToken(input: { id: $id }) { __typename } }'
      await graphqlData(server, revoke, { id: made.applicationToken.id })
      await page.getByText('Your session has ended').waitFor()
      await page.getByLabel('Application token').fill(server.token)
      await page.getByRole('button', { name: 'Sign in with token' }).click()
      await page.getByRole('heading', { level: 1, name: 'probe' }).waitFor()
      expect(new URL(page.url()).pathname).toBe(`/tasks/${submitTask.task.id}`)
      await close()
    })
  },
)
