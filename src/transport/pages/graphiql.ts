import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import { gzipSync } from 'node:zlib'
import type { Handler } from '#transport/handler.ts'
import { onlyGet } from '#transport/only-get.ts'
import { icon } from './icon.ts'
import { type PageAnswer, pageHeaders, sendPage, versionedFileHeaders, versionOf } from './page.ts'

const require = createRequire(import.meta.url)

/** What stands in the editor at first. */
export const firstQuery = `# Signed in to the console, you are signed in here.
# Otherwise put your token in place of <your token>,
# under Headers below; the schema is loaded then.
# Ctrl-Enter runs what the cursor is in.

query Types {
  taskTypes { name description input }
}

mutation Submit {
  submitTask(input: {
    type: "probe"
    input: { durationMs: 5000, steps: 5 }
  }) {
    ... on SubmitTaskPayload { task { id status } }
    ... on Failure { code message }
  }
}

# Run it in another tab, and then the mutation.
subscription Watch {
  events(types: ["task.*"]) { type subject data }
}
`

/** What the page itself answers with until a token was entered. */
const hint = 'Put your token in place of <your token>, under Headers below: the schema is loaded then.'

/** Starts GraphiQL, and loads the schema as soon as a token was entered. A file of its own, since the page runs no inline script. */
const startScript = `
const version = new URL(document.currentScript.src).search
self.MonacoEnvironment = {
  globalAPI: false,
  getWorkerUrl: (_module, label) => new URL('graphql/' + label + '.worker.js' + version, location.href).href,
}
const askServer = self.fetch
// With the placeholder in place of a token the server would only refuse, and count a failed attempt.
self.fetch = (input, init) =>
  new Headers(init?.headers).get('authorization') === 'Bearer <your token>'
    ? Promise.resolve(Response.json({ data: { hint: ${JSON.stringify(hint)} } }))
    : askServer(input, init)
// The console remembers which account its tabs show; the cookie of its session is sent along.
const findAccount = async () => {
  const { sessions = [] } = await (await askServer(new URL('session', location.href))).json()
  const accounts = sessions.map(({ account }) => account.id)
  return accounts.find((id) => id === localStorage.getItem('signalbox.account')) ?? accounts[0]
}
let timer
findAccount().catch(() => undefined).then((account) => YogaGraphiQL.renderYogaGraphiQL(document.getElementById('root'), {
  title: 'Signalbox',
  defaultQuery: ${JSON.stringify(firstQuery)},
  ...(account === undefined
    ? { headers: '{\\n  "Authorization": "Bearer <your token>"\\n}' }
    : { endpoint: new URL('graphql?session=' + account, location.href).href }),
  // Keeping the token in the browser is an opt-in of GraphiQL's settings.
  shouldPersistHeaders: null,
  // Over a WebSocket it would not send the token.
  subscriptionsProtocol: 'SSE',
  onEditHeaders(text) {
    clearTimeout(timer)
    if (/"Bearer [^\\s"<]+"/.test(text))
      timer = setTimeout(() => document.querySelector('button[aria-label^="Re-fetch"]')?.click(), 500)
  },
}))
`

const script = 'text/javascript; charset=utf-8'

/** What the page consists of, by name; all but the first are the package's. */
const files = {
  'start.js': { bundle: undefined, contentType: script },
  'graphiql.js': { bundle: 'js', contentType: script },
  'graphiql.css': { bundle: 'css', contentType: 'text/css; charset=utf-8' },
  'editorWorkerService.worker.js': { bundle: 'editorWorkerService', contentType: script },
  'json.worker.js': { bundle: 'jsonWorker', contentType: script },
  'graphql.worker.js': { bundle: 'graphqlWorker', contentType: script },
} as const
type FileName = keyof typeof files

/** Changes with the files, so that browsers may keep them for good. */
const version = versionOf([
  (require('@graphql-yoga/render-graphiql/package.json') as { version: string }).version,
  startScript,
])

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Signalbox: GraphQL</title>
<link rel="icon" href="${icon}">
<link rel="stylesheet" href="${href('graphiql.css')}">
<style>
@media (max-width: 700px) {
  #graphiql-session { flex-direction: column }
  .graphiql-horizontal-drag-bar { display: none }
}
</style>
</head>
<body class="no-focus-outline">
<noscript>This page needs JavaScript.</noscript>
<div id="root"></div>
<script src="${href('graphiql.js')}"></script>
<script src="${href('start.js')}"></script>
</body>
</html>
`

/** Runs only scripts that are files of ours. Monaco, the editor, writes styles into its elements, hence those. */
const headers = pageHeaders([
  "script-src 'self'",
  "worker-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  'font-src data:',
  "img-src 'self' data:",
  "connect-src 'self'",
])

/** The same handler, but a browser that opens its path gets GraphiQL. */
export function withGraphiql(handle: Handler): Handler {
  return async (req, res) =>
    isPageRequest(req) ? sendPage(req, res, { status: 200, headers, body: page }) : handle(req, res)
}

function isPageRequest(req: IncomingMessage): boolean {
  return req.method === 'GET' && (req.headers.accept ?? '').includes('text/html')
}

/** Answers with the files of the page, by their paths below that of the page. */
export function graphiqlFiles(pagePath: string): [path: string, Handler][] {
  const names = Object.keys(files) as FileName[]
  return names.map((name) => [
    `${pagePath}/${name}`,
    onlyGet(async (req, res) => {
      req.resume()
      sendPage(req, res, fileAnswer(name, await readFile(name)))
    }),
  ])
}

function fileAnswer(name: FileName, body: Uint8Array<ArrayBuffer>): PageAnswer {
  const headers = {
    ...versionedFileHeaders(files[name].contentType),
    'content-length': String(body.length),
    // Every browser accepts it.
    'content-encoding': 'gzip',
  }
  return { status: 200, headers, body }
}

async function readFile(name: FileName): Promise<Uint8Array<ArrayBuffer>> {
  const { bundle } = files[name]
  return bundle === undefined ? gzipSync(startScript) : (await readBundles())[bundle]
}

type Bundles = Readonly<Record<NonNullable<(typeof files)[FileName]['bundle']>, Uint8Array<ArrayBuffer>>>
let bundles: Promise<Bundles> | undefined

/** The package's files, compressed to 2.5 MB; read when they are first asked for, which most processes never are. */
function readBundles(): Promise<Bundles> {
  bundles ??= once(new Worker(new URL('./graphiql-files.ts', import.meta.url)), 'message').then(
    ([read]) => read as Bundles,
  )
  bundles.catch(() => {
    bundles = undefined
  })
  return bundles
}

/** Relative to the page, so that it works behind any proxy. */
function href(name: FileName): string {
  return `graphql/${name}?v=${version}`
}
