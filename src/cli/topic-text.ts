import { Marked, type Token, type Tokens } from 'marked'
import { columnsOf, pad, wrap } from './text.ts'

export interface TopicTextOptions {
  /** How many columns a line may have; blocks of code keep their lines. */
  readonly columns: number
  /** Emphasizes text, or leaves it as it is. */
  readonly styled: (style: 'bold' | 'dim' | 'cyan', text: string) => string
}

/** A topic of the documentation, given as Markdown, for a terminal. */
export function topicText(markdown: string, options: TopicTextOptions): string {
  const blocks = new Marked().lexer(markdown).flatMap((token) => blockText(token, options) ?? [])
  return blocks.join('\n\n')
}

function blockText(token: Token, options: TopicTextOptions): string | undefined {
  switch (token.type) {
    case 'heading':
      return headingText(token as Tokens.Heading, options)
    case 'paragraph':
    case 'text':
      return wrap(inline(token.tokens ?? [], options), options.columns)
    case 'code':
      return indent(options.styled('dim', (token as Tokens.Code).text), '    ')
    case 'list':
      return listText(token as Tokens.List, options)
    case 'table':
      return tableText(token as Tokens.Table, options)
    default:
      return undefined
  }
}

function headingText({ tokens, depth }: Tokens.Heading, options: TopicTextOptions): string {
  const text = inline(tokens, options)
  const underline = ['=', '-'][depth - 1]
  return underline === undefined
    ? options.styled('bold', text)
    : `${options.styled('bold', text)}\n${underline.repeat(columnsOf(text))}`
}

function listText({ items, ordered, start }: Tokens.List, options: TopicTextOptions): string {
  return items
    .map((item, index) => {
      const mark = ordered ? `${Number(start) + index}. ` : '- '
      const inner = { ...options, columns: options.columns - mark.length }
      const text = item.tokens.flatMap((token) => blockText(token, inner) ?? []).join('\n')
      return mark + indent(text, ' '.repeat(mark.length)).slice(mark.length)
    })
    .join('\n')
}

const gap = '  '
const deeper = '    '

/** In columns where there is room for them; else each row with its first cell alone and the others below it. */
function tableText({ header, rows }: Tokens.Table, options: TopicTextOptions): string {
  const titles = header.map(({ tokens }) => inline(tokens, options))
  const cells = rows.map((row) => row.map(({ tokens }) => inline(tokens, options)))
  const widths = titles.map((title, at) => Math.max(columnsOf(title), ...cells.map((row) => columnsOf(row[at] ?? ''))))
  const total = widths.reduce((sum, width) => sum + width + gap.length, -gap.length)
  if (total <= options.columns) {
    const line = (row: readonly string[]) =>
      row
        .map((cell, at) => pad(cell, widths[at] ?? 0))
        .join(gap)
        .trimEnd()
    return [line(titles.map((title) => options.styled('dim', title))), ...cells.map(line)].join('\n')
  }
  return cells.map((row) => rowText(row, titles, options)).join('\n\n')
}

function rowText(row: readonly string[], titles: readonly string[], options: TopicTextOptions): string {
  const [first = '', ...others] = row
  const last = others.length - 1
  const lines = others.flatMap((cell, at) => {
    if (cell === '' || cell === '—') return []
    const text = at === last ? cell : `${titles[at + 1]}: ${cell}`
    return [indent(wrap(text, options.columns - deeper.length), deeper)]
  })
  return [wrap(options.styled('bold', first), options.columns), ...lines].join('\n')
}

/** The text of a line, its words styled one by one so that it can be wrapped anywhere. */
function inline(tokens: readonly Token[], options: TopicTextOptions): string {
  return tokens.map((token) => inlineText(token, options)).join('')
}

function inlineText(token: Token, options: TopicTextOptions): string {
  const { styled } = options
  switch (token.type) {
    case 'codespan':
      return byWord(`\`${(token as Tokens.Codespan).text}\``, (word) => styled('cyan', word))
    case 'strong':
      return byWord(inline(token.tokens ?? [], options), (word) => styled('bold', word))
    case 'link':
      return `${inline(token.tokens ?? [], options)}${linkTarget((token as Tokens.Link).href)}`
    case 'html':
      return ''
    default:
      return 'tokens' in token && token.tokens !== undefined
        ? inline(token.tokens, options)
        : 'text' in token
          ? String(token['text']).replaceAll('\n', ' ')
          : ''
  }
}

/** What follows the text of a link: how to read another topic, or an address. */
function linkTarget(href: string): string {
  if (href.startsWith('https://')) return ` <${href}>`
  const [, name] = /^([a-z-]+)\.md/.exec(href) ?? []
  return name === undefined ? '' : ` (signalbox help ${name})`
}

function byWord(text: string, style: (word: string) => string): string {
  return text
    .split(' ')
    .map((word) => (word === '' ? '' : style(word)))
    .join(' ')
}

function indent(text: string, by: string): string {
  return text
    .split('\n')
    .map((line) => (line === '' ? '' : by + line))
    .join('\n')
}
