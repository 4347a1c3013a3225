import { Marked, type MarkedExtension, type Token, type Tokens } from 'marked'
import { anchorOf, isTopic, listTopics, readTopic } from '#docs/topics.ts'

/** A heading of a page that can be linked to. */
export interface PageHeading {
  readonly id: string
  readonly text: string
}

/** A topic as a page shows it. */
export interface RenderedTopic {
  readonly title: string
  readonly summary: string
  /** Safe to put into a page: nothing of the Markdown reaches it unescaped. */
  readonly html: string
  /** Those of the second level. */
  readonly headings: readonly PageHeading[]
}

/** A section of a topic, as the search looks at it. */
interface SearchSection {
  /** Where it is, relative to the documentation's address. */
  readonly id: string
  readonly page: string
  readonly title: string
  readonly text: string
}

/** Renders a topic; links to other topics begin with `basePath`. */
export function renderTopic(name: string, basePath: string): RenderedTopic | undefined {
  const markdown = readTopic(name)
  if (markdown === undefined) return undefined
  const marked = new Marked(extensionFor(basePath))
  const headings = marked
    .lexer(markdown)
    .filter((token): token is Tokens.Heading => token.type === 'heading' && token['depth'] === 2)
    .map((token) => ({ id: anchorOf(plainText(token.tokens)), text: plainText(token.tokens) }))
  const topic = listTopics()
    .flatMap(({ topics }) => topics)
    .find((one) => one.name === name)
  const { title = name, summary = '' } = topic ?? {}
  return { title, summary, html: marked.parse(markdown, { async: false }), headings }
}

/** Everything that the search finds. */
export function searchSections(): readonly SearchSection[] {
  return listTopics()
    .flatMap(({ topics }) => topics)
    .flatMap(({ name, title }) => sectionsOf(name, title))
}

function sectionsOf(name: string, page: string): SearchSection[] {
  const sections: { id: string; title: string; texts: string[] }[] = []
  for (const token of new Marked().lexer(readTopic(name) ?? '')) {
    if (token.type === 'heading') {
      const title = plainText(token.tokens ?? [])
      sections.push({ id: token['depth'] === 1 ? name : `${name}#${anchorOf(title)}`, title, texts: [] })
    } else sections.at(-1)?.texts.push(plainText([token]))
  }
  return sections.map(({ id, title, texts }) => ({ id, page, title, text: texts.join(' ') }))
}

/** Words without marks: of text, code, lists and tables. */
function plainText(tokens: readonly Token[]): string {
  return tokens.map(textOf).join('')
}

function textOf(token: Token): string {
  if (token.type === 'html') return ''
  if (token.type === 'table') {
    const { header, rows } = token as Tokens.Table
    return [header, ...rows].flatMap((row) => row.map((cell) => plainText(cell.tokens))).join(' ')
  }
  if (token.type === 'list') return (token as Tokens.List).items.map((item) => plainText(item.tokens)).join(' ')
  const inner = 'tokens' in token ? token.tokens : undefined
  return inner === undefined ? ('text' in token ? String(token['text']) : '') : plainText(inner)
}

/** How a topic becomes HTML: raw HTML is left out, and only known kinds of links lead anywhere. */
function extensionFor(basePath: string): MarkedExtension {
  return {
    renderer: {
      html: () => '',
      heading({ tokens, depth }) {
        const content = this.parser.parseInline(tokens)
        if (depth === 1) return `<h1>${content}</h1>\n`
        const id = anchorOf(plainText(tokens))
        return `<h${depth} id="${escapeHtml(id)}">${content}<a class="anchor" href="#${escapeHtml(id)}" aria-label="Link to this section">#</a></h${depth}>\n`
      },
      link({ href, tokens }) {
        const content = this.parser.parseInline(tokens)
        const target = targetOf(href, basePath)
        return target === undefined ? content : `<a href="${escapeHtml(target)}">${content}</a>`
      },
      image: ({ text }) => escapeHtml(text),
      code: ({ text, lang }) =>
        `<div class="code"><pre><code${lang ? ` class="language-${escapeHtml(lang)}"` : ''}>${escapeHtml(text)}</code></pre></div>\n`,
      table({ header, rows }) {
        const text = ({ tokens }: Tokens.TableCell) => this.parser.parseInline(tokens)
        // Where there is no room for columns, cells name theirs.
        const titles = header.map(({ tokens }) => escapeHtml(plainText(tokens)))
        const head = header.map((cell) => `<th>${text(cell)}</th>`).join('')
        const cellOf = (cell: Tokens.TableCell, at: number) =>
          `<td data-title="${titles[at]}"${cell.text === '—' ? ' class="none"' : ''}>${text(cell)}</td>`
        const body = rows.map((row) => `<tr>${row.map(cellOf).join('')}</tr>`)
        return `<div class="table"><table>\n<thead><tr>${head}</tr></thead>\n<tbody>\n${body.join('\n')}\n</tbody></table></div>\n`
      },
    },
  }
}

/** Where a link of a topic leads; undefined for one that leads nowhere that is known. */
function targetOf(href: string, basePath: string): string | undefined {
  if (/^(https:\/\/|#)/.test(href)) return href
  const [, name = '', anchor = ''] = /^([a-z-]+)\.md(#.*)?$/.exec(href) ?? []
  return isTopic(name) ? `${basePath}/${name}${anchor}` : undefined
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}
