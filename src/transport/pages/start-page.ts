import { icon } from './icon.ts'
import { inlineStyle, type PageAnswer, pageHeaders } from './page.ts'

const style = `
:root { color-scheme: light dark }
body { font: 1rem/1.6 system-ui, sans-serif; max-width: 42rem; margin: 0 auto; padding: 2rem 1.25rem }
h1 { margin: 0; font-size: 1.75rem }
dt { margin-top: 1.25rem; font-weight: 600 }
dd { margin: 0 }
code, pre { font: 0.9em/1.5 ui-monospace, monospace }
pre { white-space: pre-wrap; padding: 0.75rem 1rem; border-radius: 0.5rem; background: light-dark(#eef1f5, #23282f) }
a { color: light-dark(#1d4f91, #8ab8ff) }
`

const headers = pageHeaders([inlineStyle(style), 'img-src data:'])

/** The page at the server's address: what this is, and where to go on. */
export function startPage(options: { graphiql: boolean }): PageAnswer {
  return { status: 200, headers, body: html(options) }
}

function html({ graphiql }: { graphiql: boolean }): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Signalbox</title>
<link rel="icon" href="${icon}">
<style>${style}</style>
</head>
<body>
<h1>Signalbox</h1>
<p>This server takes tasks by priority, shows them live, and keeps their results.</p>
<dl>
<dt>Documentation</dt>
<dd><a href="docs">Read the documentation of this version</a>, from the first task to operations.</dd>
<dt>GraphQL</dt>
<dd>${graphiql ? '<a href="graphql">Try queries, mutations and subscriptions</a>, with the schema’s documentation' : 'The API stands at <code>/graphql</code>'}.</dd>
<dt>REST</dt>
<dd><a href="api/docs">Read and try the documented paths</a>.</dd>
<dt>Health</dt>
<dd><a href="health">How the server is</a>; for orchestrators <a href="livez">livez</a> and <a href="readyz">readyz</a>.</dd>
<dt>Command line</dt>
<dd>In the folder of the program:
<pre>export SIGNALBOX_URL=&lt;the address of this page&gt; SIGNALBOX_TOKEN=&lt;your token&gt;
npm run -s signalbox -- task types
npm run -s signalbox -- task submit probe --set durationMs=5000 --watch</pre></dd>
</dl>
<p>The APIs and the command line want a token. The owner’s is the one that the server’s first start has printed.</p>
</body>
</html>
`
}
