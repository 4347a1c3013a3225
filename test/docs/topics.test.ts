import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, validate } from 'graphql'
import { describe, expect, it } from 'vitest'
import { anchorOf, listTopics, readTopic } from '#docs/topics.ts'
import { schema } from '#schema/index.ts'
import { commandTree } from '#src/reference/commands.ts'

const root = join(import.meta.dirname, '../..')
const directory = join(root, 'src/docs')
const topics = listTopics().flatMap((group) => group.topics)
const pages = topics.map(({ name }) => ({ name, text: readTopic(name) ?? '' }))

describe('the documentation', () => {
  it('lists every page, with a title and a sentence', () => {
    const files = readdirSync(directory).filter((name) => name.endsWith('.md'))
    expect(topics.map(({ name }) => `${name}.md`).sort()).toEqual(files.sort())
    for (const { name, title, summary } of topics) {
      expect([name, title.length > 3, summary.endsWith('.')]).toEqual([name, true, true])
      expect([name, title]).not.toEqual([name, name])
    }
  })

  it('has a README of at most 200 lines that names every page', () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8')
    expect(readme.split('\n').length).toBeLessThanOrEqual(200)
    for (const { name } of topics) expect(readme).toContain(`(src/docs/${name}.md)`)
  })

  it('has no link that leads nowhere', () => {
    const anchors = new Map(pages.map(({ name, text }) => [name, anchorsOf(text)]))
    for (const { name, text } of pages) {
      for (const [, target = ''] of withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^https:/.test(target)) continue
        const [, file = '', anchor] = /^(?:([a-z-]+)\.md)?(?:#(.+))?$/.exec(target) ?? []
        const known = anchors.get(file || name)
        expect([name, target, known !== undefined]).toEqual([name, target, true])
        if (anchor !== undefined) expect([name, target, known?.has(anchor)]).toEqual([name, target, true])
      }
    }
  })

  it('names only files that exist', () => {
    for (const { name, text } of pages)
      for (const [, file = ''] of text.matchAll(/`((?:src|schema|prisma|test)\/[\w./-]+)`/g))
        expect([name, file, existsSync(join(root, file)) || file === 'test/bench/results/']).toEqual([name, file, true])
  })

  it('shows only operations that the schema has', () => {
    const operations = pages.flatMap(({ name, text }) => operationsIn(text).map((operation) => ({ name, operation })))
    expect(operations.length).toBeGreaterThan(6)
    for (const { name, operation } of operations)
      expect([name, operation, validate(schema, parse(operation)).map(({ message }) => message)]).toEqual([
        name,
        operation,
        [],
      ])
  })

  it('shows only commands and options that exist', async () => {
    const program = await commandTree()
    const texts = [...pages, { name: 'README', text: readFileSync(join(root, 'README.md'), 'utf8') }]
    let seen = 0
    for (const { name, text } of texts) {
      for (const line of commandsIn(text)) {
        seen += 1
        const words = line.split(/\s+/)
        let command = program
        while (command.commands.length > 0) {
          const [word = ''] = words.splice(0, 1)
          const next = command.commands.find((one) => one.name() === word || one.aliases().includes(word))
          expect([name, line, next !== undefined]).toEqual([name, line, true])
          if (next === undefined) break
          command = next
        }
        const end = words.indexOf('--')
        for (const option of words.slice(0, end === -1 ? undefined : end).filter((word) => /^--?[a-z]/i.test(word)))
          expect([
            name,
            line,
            command.options.some((one) => one.short === option || one.long === option) || option === '--help',
          ]).toEqual([name, line, true])
      }
    }
    expect(seen).toBeGreaterThan(30)
  })
})

/** GraphQL in blocks of its own, and in bodies of requests. */
function operationsIn(text: string): string[] {
  const blocks = [...text.matchAll(/^```graphql\n([\s\S]*?)^```/gm)].map(([, block = '']) => block)
  const bodies = [...text.matchAll(/"query": ("(?:[^"\\]|\\.)*")/g)].map(([, json = '']) => JSON.parse(json) as string)
  return [...blocks, ...bodies]
}

/** Calls of the command line in blocks of shell, without their quoted arguments. */
function commandsIn(text: string): string[] {
  const blocks = [...text.matchAll(/^```(?:sh)?\n([\s\S]*?)^```/gm)].map(([, block = '']) => block)
  return blocks
    .flatMap((block) => block.replaceAll('\\\n', ' ').split('\n'))
    .flatMap(
      (line) =>
        /(?:^|[\s(=])signalbox ((?:task|doc|kv|lock|webhook|events?|token|user|session|team|audit|account|secrets|login|logout|viewer|doctor|migrate|serve|help)\b.*)/.exec(
          line,
        )?.[1] ?? [],
    )
    .map((line) =>
      line
        .replaceAll(/'[^']*'|"[^"]*"/g, 'X')
        .replace(/\s(?:[;|>#&]|\d>).*$/, '')
        .replace(/[;)].*$/, ''),
    )
}

function withoutCode(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```/gm, '').replaceAll(/`[^`\n]*`/g, '')
}

function anchorsOf(text: string): Set<string> {
  const headings = [...text.replaceAll(/^```[\s\S]*?^```/gm, '').matchAll(/^#{1,4} (.+)$/gm)]
  return new Set(headings.map(([, heading = '']) => anchorOf(heading)))
}
