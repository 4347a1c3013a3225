import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { icon, pageHeaders } from '#transport/page.ts'
import type { OpenApiDocument } from './openapi.ts'

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
const version = createHash('sha256')
  .update((require('swagger-ui-dist/package.json') as { version: string }).version)
  .update(startScript)
  .digest('hex')
  .slice(0, 12)

/** What the page consists of, all of it served from here, so that it works without a way out. */
const assets = {
  'swagger-ui.css': styleSheet,
  'swagger-ui-bundle.js': script,
  'start.js': script,
} as const
type AssetName = keyof typeof assets

/** Runs only scripts that are files of ours. Swagger UI writes styles into its elements, hence those. */
export const docsPageHeaders = pageHeaders([
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
])

/** One of the page's files; undefined for any other name. */
export async function readAsset(
  name: string,
): Promise<{ body: string | Buffer<ArrayBuffer>; contentType: string } | undefined> {
  if (!isAsset(name)) return undefined
  const body = name === 'start.js' ? startScript : await readFile(join(directory, name))
  return { body, contentType: assets[name] }
}

function isAsset(name: string): name is AssetName {
  return Object.hasOwn(assets, name)
}

/** The page. Its files are named relative to it, so that it works under each prefix and behind any proxy. */
export function docsPage(document: OpenApiDocument): string {
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
