import { html, raw } from 'hono/html'
import { listTopics } from '#docs/topics.ts'
import { assetsVersion } from './docs-assets.ts'
import { type PageHeading, renderTopic } from './docs-content.ts'
import { icon } from './icon.ts'

type Html = ReturnType<typeof html>

export interface DocsPageOptions {
  /** The path of the documentation, with that of `PUBLIC_URL` before it. */
  readonly basePath: string
  /** The path of the start page. */
  readonly homePath: string
  /** Of the server. */
  readonly version: string
}

/** The list of all topics. */
export function docsIndexPage(options: DocsPageOptions): Html {
  const groups = listTopics().map(
    ({ title, topics }) => html`<h2>${title}</h2>
<ul class="topics">
${topics.map(({ name, title: text, summary }) => html`<li><a href="${options.basePath}/${name}">${text}</a><span>${summary}</span></li>`)}
</ul>`,
  )
  const content = html`<h1>Documentation</h1>
<p>Signalbox ${options.version}. The same pages are printed by <code>signalbox help &lt;topic&gt;</code>.</p>
${groups}`
  return page({ ...options, title: 'Documentation', content })
}

/** The page of a topic; undefined when there is none. */
export function docsTopicPage(name: string, options: DocsPageOptions): Html | undefined {
  const topic = renderTopic(name, options.basePath)
  if (topic === undefined) return undefined
  const content = html`${raw(topic.html)}${neighbours(name, options.basePath)}`
  return page({ ...options, title: topic.title, content, name, headings: topic.headings })
}

/** Says that something went wrong. */
export function docsFailurePage(message: string, options: DocsPageOptions): Html {
  const content = html`<h1>That did not work</h1>
<p role="alert">${message}</p>
<p><a href="${options.basePath}">All pages</a></p>`
  return page({ ...options, title: 'Not found', content })
}

function neighbours(name: string, basePath: string): Html {
  const all = listTopics().flatMap(({ topics }) => topics)
  const at = all.findIndex((topic) => topic.name === name)
  const [before, after] = [all[at - 1], all[at + 1]]
  return html`<p class="turn"><span>${before && html`← <a href="${basePath}/${before.name}">${before.title}</a>`}</span><span>${after && html`<a href="${basePath}/${after.name}">${after.title}</a> →`}</span></p>`
}

interface PageFacts extends DocsPageOptions {
  readonly title: string
  readonly content: Html
  /** Of the topic that is shown. */
  readonly name?: string
  readonly headings?: readonly PageHeading[]
}

function page(facts: PageFacts): Html {
  const { basePath, homePath, version, title, content } = facts
  const asset = (file: string) => `${basePath}/assets/${file}?v=${assetsVersion()}`
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} – Signalbox</title>
<link rel="icon" href="${icon}">
<link rel="stylesheet" href="${asset('style.css')}">
</head>
<body data-home="${basePath}">
<a class="skip" href="#content">Skip to content</a>
<header>
<a class="brand" href="${homePath}"><img src="${icon}" alt="Signalbox"><span>Signalbox</span></a>
<a href="${basePath}">Docs</a>
<search hidden><input type="search" placeholder="Search ( / )" aria-label="Search the documentation" autocomplete="off"><ul class="results" hidden></ul></search>
<a class="pages" href="#pages">Pages</a>
</header>
<div class="layout">
<nav id="pages" aria-label="Pages">
${listTopics().map(
  (group) => html`<h2>${group.title}</h2>
<ul>${group.topics.map((topic) => entry(topic, facts))}</ul>`,
)}
</nav>
<main id="content">
${content}
</main>
</div>
<footer>Signalbox ${version}</footer>
<script type="module" src="${asset('search.js')}"></script>
</body>
</html>
`
}

function entry(
  topic: { readonly name: string; readonly title: string },
  { basePath, name, headings = [] }: PageFacts,
): Html {
  if (topic.name !== name) return html`<li><a href="${basePath}/${topic.name}">${topic.title}</a></li>`
  return html`<li><a href="${basePath}/${topic.name}" aria-current="page">${topic.title}</a>
<ul>${headings.map(({ id, text }) => html`<li><a href="#${id}">${text}</a></li>`)}</ul></li>`
}
