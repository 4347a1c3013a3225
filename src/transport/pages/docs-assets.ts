import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { searchSections } from './docs-content.ts'
import { type PageAnswer, versionedFileHeaders, versionOf } from './page.ts'

const require = createRequire(import.meta.url)

const style = `
:root { color-scheme: light dark; --ink: light-dark(#1b2430, #e6eaf0); --soft: light-dark(#566273, #a3afbf);
  --paper: light-dark(#fff, #14191f); --ground: light-dark(#f2f4f7, #1d242c); --line: light-dark(#d9dfe7, #323c48);
  --accent: light-dark(#1d4f91, #8ab8ff) }
* { box-sizing: border-box }
html { scroll-padding-top: 4.5rem }
body { margin: 0; font: 1rem/1.6 system-ui, sans-serif; color: var(--ink); background: var(--paper) }
a { color: var(--accent) }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
.skip { position: absolute; left: -999rem }
.skip:focus { left: 1rem; top: 1rem; z-index: 3; padding: 0.5rem 1rem; background: var(--paper) }
header { position: sticky; top: 0; z-index: 2; display: flex; align-items: center; gap: 1rem; padding: 0.6rem 1.25rem;
  border-bottom: 1px solid var(--line); background: var(--paper) }
header a { text-decoration: none }
.brand { display: flex; align-items: center; gap: 0.6rem; font-weight: 600; color: inherit; white-space: nowrap }
.brand img { width: 1.6rem; height: 1.6rem }
.pages { display: none }
search { position: relative; flex: 1; max-width: 26rem; margin-left: auto }
search input { width: 100%; padding: 0.45rem 0.7rem; border: 1px solid var(--soft); border-radius: 0.5rem; font: inherit;
  color: inherit; background: var(--paper) }
.results { position: absolute; right: 0; left: 0; max-height: 70vh; margin: 0.3rem 0 0; padding: 0.3rem; overflow: auto; list-style: none;
  border: 1px solid var(--line); border-radius: 0.5rem; background: var(--paper); box-shadow: 0 8px 30px rgb(0 0 0 / 0.25) }
.results a { display: block; padding: 0.4rem 0.6rem; border-radius: 0.35rem; color: inherit }
.results a:hover, .results a:focus { background: var(--ground) }
.results small { display: block; color: var(--soft) }
.results p { margin: 0.4rem 0.6rem; color: var(--soft) }
[hidden] { display: none !important }
.layout { display: grid; grid-template-columns: 15rem minmax(0, 1fr); max-width: 78rem; margin: 0 auto }
nav { position: sticky; top: 3.6rem; align-self: start; max-height: calc(100vh - 3.6rem); padding: 1.5rem 1.25rem; overflow: auto; scrollbar-width: thin; font-size: 0.93rem }
nav h2 { margin: 1.2rem 0 0.2rem; padding: 0; border: 0; font-size: 0.8rem; letter-spacing: 0.04em; text-transform: uppercase; color: var(--soft) }
nav h2:first-child { margin-top: 0 }
nav ul { margin: 0; padding: 0; list-style: none }
nav li ul { margin: 0.15rem 0 0.4rem 0.4rem; padding-left: 0.7rem; border-left: 1px solid var(--line); font-size: 0.88rem }
nav a { display: block; padding: 0.13rem 0; color: inherit; text-decoration: none }
nav a:hover { text-decoration: underline }
nav [aria-current] { font-weight: 600; color: var(--accent) }
main { min-width: 0; padding: 1.5rem 2rem 3rem }
main > * { max-width: 48rem }
main > .table, main > .code { max-width: none }
h1 { margin: 0 0 0.5rem; font-size: 2rem; line-height: 1.2 }
h1 + p { margin-top: 0; font-size: 1.1rem; color: var(--soft) }
h2 { margin: 2.2rem 0 0.6rem; padding-bottom: 0.25rem; border-bottom: 1px solid var(--line); font-size: 1.4rem; line-height: 1.3 }
h3 { margin: 1.6rem 0 0.4rem; font-size: 1.1rem }
.anchor { margin-left: 0.45rem; opacity: 0; text-decoration: none }
:hover > .anchor, .anchor:focus { opacity: 1 }
code { font: 0.9em/1.5 ui-monospace, monospace }
:not(pre) > code { padding: 0.08em 0.3em; border-radius: 0.3rem; background: var(--ground); overflow-wrap: anywhere }
a code { color: inherit }
.code { position: relative; margin: 0.9rem 0 }
.code pre { margin: 0; padding: 0.8rem 1rem; overflow-x: auto; border-radius: 0.5rem; background: var(--ground) }
.code button { position: absolute; top: 0.45rem; right: 0.45rem; padding: 0.15rem 0.55rem; border: 1px solid var(--line); border-radius: 0.4rem;
  font: 0.8rem system-ui, sans-serif; color: var(--soft); background: var(--paper); opacity: 0; cursor: pointer }
.code:hover button, .code button:focus { opacity: 1 }
.table { margin: 0.9rem 0; overflow-x: auto }
table { width: 100%; border-collapse: collapse; font-size: 0.93rem }
th, td { padding: 0.45rem 0.8rem 0.45rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top }
th { color: var(--soft); font-weight: 600 }
td code { overflow-wrap: break-word }
td:first-child code { overflow-wrap: normal; background: none; padding: 0 }
td:last-child { min-width: 14rem }
.topics { padding: 0; list-style: none }
.topics li { margin: 0 0 0.8rem }
.topics a { font-weight: 600 }
.topics span { display: block; color: var(--soft) }
.turn { display: flex; justify-content: space-between; gap: 1rem; margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--line) }
footer { padding: 1.25rem; border-top: 1px solid var(--line); text-align: center; font-size: 0.88rem; color: var(--soft) }
@media (max-width: 56rem) {
  .layout { display: flex; flex-direction: column-reverse }
  nav { position: static; max-height: none; border-top: 1px solid var(--line) }
  nav a { padding: 0.35rem 0 }
  main { padding: 1.25rem }
  header { gap: 0.75rem; padding: 0.6rem 1rem }
  .brand span { display: none }
  .pages { display: block }
  h1 { font-size: 1.7rem }
  .results { position: fixed; top: 3.6rem; right: 0.5rem; left: 0.5rem }
}
@media (max-width: 40rem) {
  thead { display: none }
  table, tbody, tr, td { display: block }
  tr { padding: 0.6rem 0; border-bottom: 1px solid var(--line) }
  td { padding: 0.1rem 0; border: 0 }
  td.none { display: none }
  td:first-child { font-weight: 600 }
  td:not(:first-child, :last-child)::before { content: attr(data-title) ": "; color: var(--soft) }
}
@media print { header, nav, footer, .anchor, .turn, .code button { display: none } }
`

/** Fills the search and the buttons that copy. Its address says where the documentation is, and has the version. */
const script = `
const base = new URL('.', import.meta.url)
const version = new URL(import.meta.url).search
const home = document.body.dataset.home
const box = document.querySelector('search')
const input = box.querySelector('input')
const list = box.querySelector('ul')
box.hidden = false
let index

async function load() {
  const [{ default: MiniSearch }, answer] = await Promise.all([
    import(new URL('minisearch.js' + version, base)),
    fetch(new URL('search.json' + version, base)),
  ])
  const search = new MiniSearch({
    fields: ['title', 'page', 'text'],
    storeFields: ['title', 'page'],
    tokenize: (text) => text.split(/[^\\p{L}\\p{N}_]+/u).filter(Boolean),
    searchOptions: { boost: { title: 4, page: 2 }, prefix: true, fuzzy: (term) => (term.length > 4 ? 0.2 : false), combineWith: 'AND' },
  })
  search.addAll(await answer.json())
  return search
}

function show(nodes) {
  list.replaceChildren(...nodes)
  list.hidden = nodes.length === 0
}

function item({ id, title, page }) {
  const link = document.createElement('a')
  link.href = home + '/' + id
  const where = document.createElement('small')
  where.textContent = page
  link.append(title, where)
  const row = document.createElement('li')
  row.append(link)
  return row
}

function remark(text) {
  const row = document.createElement('li')
  const paragraph = document.createElement('p')
  paragraph.textContent = text
  row.append(paragraph)
  return row
}

async function find() {
  const text = input.value.trim()
  if (text === '') return show([])
  index ??= load()
  try {
    const found = (await index).search(text).slice(0, 12)
    if (input.value.trim() === text) show(found.length === 0 ? [remark('Nothing found.')] : found.map(item))
  } catch {
    index = undefined
    show([remark('The search could not be loaded.')])
  }
}

input.addEventListener('focus', () => (index ??= load()), { once: true })
input.addEventListener('input', find)
box.addEventListener('keydown', (event) => {
  const links = [...list.querySelectorAll('a')]
  const at = links.indexOf(document.activeElement)
  if (event.key === 'Escape') {
    input.value = ''
    show([])
    input.focus()
  } else if (event.key === 'Enter' && document.activeElement === input) links[0]?.click()
  else if (event.key === 'ArrowDown') (links[at + 1] ?? links[0])?.focus()
  else if (event.key === 'ArrowUp') (at > 0 ? links[at - 1] : input).focus()
  else return
  event.preventDefault()
})
document.addEventListener('click', (event) => {
  if (!box.contains(event.target) || event.target.closest('a')) show([])
})
document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || event.ctrlKey || event.metaKey || document.activeElement === input) return
  event.preventDefault()
  input.focus()
})

if (navigator.clipboard !== undefined)
  for (const block of document.querySelectorAll('.code')) {
    const button = document.createElement('button')
    button.type = 'button'
    button.textContent = 'Copy'
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText(block.querySelector('code').textContent)
      button.textContent = 'Copied'
      setTimeout(() => (button.textContent = 'Copy'), 1500)
    })
    block.append(button)
  }
`

const javaScript = 'text/javascript; charset=utf-8'
const files = {
  'style.css': { contentType: 'text/css; charset=utf-8', read: () => style },
  'search.js': { contentType: javaScript, read: () => script },
  'minisearch.js': { contentType: javaScript, read: () => readFileSync(miniSearchFile(), 'utf8') },
  'search.json': { contentType: 'application/json', read: () => JSON.stringify(searchSections()) },
} as const
type FileName = keyof typeof files

const loaded = new Map<FileName, string>()

/** One of the pages' files; undefined for any other name. Each is built at its first request. */
export function docsAsset(name: string): PageAnswer | undefined {
  if (!isFileName(name)) return undefined
  return { status: 200, headers: versionedFileHeaders(files[name].contentType), body: contentOf(name) }
}

function isFileName(name: string): name is FileName {
  return Object.hasOwn(files, name)
}

function contentOf(name: FileName): string {
  const content = loaded.get(name) ?? files[name].read()
  loaded.set(name, content)
  return content
}

let version: string | undefined

/** Changes with the files, so that browsers may keep them for good. */
export function assetsVersion(): string {
  version ??= versionOf((Object.keys(files) as FileName[]).map(contentOf))
  return version
}

/** The package's form for browsers, which lies beside the one that Node's `require` gets. */
function miniSearchFile(): string {
  return join(dirname(require.resolve('minisearch')), '../es/index.js')
}
