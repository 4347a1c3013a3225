import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { OpenApiDocument } from '#transport/rest/openapi.ts'
import { icon } from './icon.ts'
import { type PageAnswer, pageHeaders, versionedFileHeaders, versionOf } from './page.ts'

const require = createRequire(import.meta.url)
const directory = dirname(require.resolve('swagger-ui-dist/package.json'))

/** Starts Swagger UI with the document that stands in the page. A file of its own, since the page runs no inline script. */
const startScript = `
const dark = matchMedia('(prefers-color-scheme: dark)')
const paint = () => document.documentElement.classList.toggle('dark-mode', dark.matches)
dark.addEventListener('change', paint)
paint()
window.ui = SwaggerUIBundle({
  spec: JSON.parse(document.getElementById('document').textContent),
  dom_id: '#docs',
  deepLinking: true,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  docExpansion: 'list',
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
  layout: 'BaseLayout',
})
`

const styleSheet = 'text/css; charset=utf-8'
const script = 'text/javascript; charset=utf-8'

/** Changes with the files, so that browsers may keep them for good. */
const version = versionOf([(require('swagger-ui-dist/package.json') as { version: string }).version, startScript])

/** What the page consists of, all of it served from here, so that it works without a way out. */
const assets = {
  'swagger-ui.css': styleSheet,
  'swagger-ui-bundle.js': script,
  'start.js': script,
} as const
type AssetName = keyof typeof assets

/** Runs only scripts that are files of ours. Swagger UI writes styles into its elements, hence those. */
const headers = pageHeaders([
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
])

/** One of the page's files; undefined for any other name. */
export async function restDocsFile(name: string): Promise<PageAnswer | undefined> {
  if (!isAsset(name)) return undefined
  const body = name === 'start.js' ? startScript : await readFile(join(directory, name))
  return { status: 200, headers: versionedFileHeaders(assets[name]), body }
}

function isAsset(name: string): name is AssetName {
  return Object.hasOwn(assets, name)
}

/** The page. Its files are named relative to it, so that it works under each prefix and behind any proxy. */
export function restDocsPage(document: OpenApiDocument): PageAnswer {
  return { status: 200, headers, body: html(document) }
}

function html(document: OpenApiDocument): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Signalbox: REST</title>
<link rel="icon" href="${icon}">
<link rel="stylesheet" href="${href('swagger-ui.css')}">
</head>
<body>
<div id="docs"></div>
<script type="application/json" id="document">${JSON.stringify(document).replaceAll('<', '\\u003c')}</script>
<script src="${href('swagger-ui-bundle.js')}"></script>
<script src="${href('start.js')}"></script>
</body>
</html>
`
}

function href(name: AssetName): string {
  return `docs/${name}?v=${version}`
}
