/** Takes the pictures of the documentation: `npm run screenshots`. Starts a server of its own, with an example in it. */
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { chromium, type Page } from 'playwright-core'
import { freePort } from '#platform/system/free-port.ts'
import { chromiumPath } from './chromium.ts'

const root = join(import.meta.dirname, '../..')
const directory = join(root, 'src/docs/images')
const token = 'a-token-for-pictures-of-forty-characters'
const viewport = { width: 1280, height: 800 }

const documents = [
  { image: 'web:1.4.2', replicas: 2 },
  { image: 'web:1.4.3', replicas: 2 },
  { image: 'web:1.5.0', replicas: 3, canary: true },
]

async function main(): Promise<void> {
  if (chromiumPath === undefined) throw new Error('No Chromium is installed; set CHROMIUM to its path.')
  const dataDir = await mkdtemp(join(tmpdir(), 'signalbox-pictures-'))
  const url = `http://127.0.0.1:${await freePort()}`
  const server = spawn(process.execPath, ['src/main.ts', 'serve'], {
    cwd: root,
    stdio: 'ignore',
    env: {
      ...{ PATH: process.env['PATH'], DATA_DIR: dataDir, PORT: new URL(url).port, BOOTSTRAP_TOKEN: token },
      ...{ INSTANCE_NAME: 'production', INSTANCE_COLOR: '#b3261e' },
    },
  })
  const browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] })
  try {
    await started(url)
    await seed(url)
    await mkdir(directory, { recursive: true })
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await browser.newPage({ viewport, colorScheme })
      await signIn(page, url)
      await take(page, `${url}/tasks`, `tasks-${colorScheme}`)
      await take(page, `${url}/documents/at/releases/prod/web?compare=1`, `document-${colorScheme}`)
      await page.close()
    }
  } finally {
    await browser.close()
    const ended = new Promise((resolve) => server.once('exit', resolve))
    server.kill()
    await ended
    await rm(dataDir, { recursive: true, force: true })
  }
}

const startMs = 60_000

async function started(url: string): Promise<void> {
  const deadline = Date.now() + startMs
  while (Date.now() < deadline) {
    const isUp = await fetch(`${url}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    )
    if (isUp) return
    await sleep(200)
  }
  throw new Error(`The server did not start within ${startMs / 1000} seconds.`)
}

async function ask(url: string, query: string, variables: object): Promise<void> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
  })
  const { errors } = (await response.json()) as { errors?: object[] }
  if (errors !== undefined) throw new Error(JSON.stringify(errors))
}

/** Something to be seen. */
async function seed(url: string): Promise<void> {
  for (const data of documents)
    await ask(
      url,
      'mutation ($data: JSON) { putDocument(input: { collection: "releases/prod", key: "web", data: $data }) { __typename } }',
      { data },
    )
  const submit = 'mutation ($input: SubmitTaskInput!) { submitTask(input: $input) { ... on Failure { message } } }'
  const tasks = [
    { input: { durationMs: 1_500, steps: 3 }, labels: { pipeline: 'shop', branch: 'main' } },
    { input: { durationMs: 900, steps: 3, failAtStep: 2 }, labels: { pipeline: 'shop' }, retry: { maxAttempts: 1 } },
    { input: { durationMs: 400, steps: 2 }, priority: 'BATCH', labels: { pipeline: 'nightly' } },
    { input: { durationMs: 60_000, steps: 40 }, priority: 'CRITICAL', labels: { pipeline: 'shop', branch: 'hotfix' } },
  ]
  for (const task of tasks) await ask(url, submit, { input: { type: 'probe', ...task } })
}

async function signIn(page: Page, url: string): Promise<void> {
  await page.goto(url)
  await page.getByLabel('Application token').fill(token)
  await page.getByRole('button', { name: 'Sign in with token' }).click()
  await page.locator('#main').waitFor()
}

async function take(page: Page, address: string, name: string): Promise<void> {
  await page.goto(address)
  await page.getByRole('heading', { level: 1 }).waitFor()
  await page.waitForLoadState('networkidle')
  await sleep(1_500)
  await page.screenshot({ path: join(directory, `${name}.png`) })
}

await main()
