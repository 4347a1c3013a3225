import type { Caller } from '#domain/access/service.ts'
import { endable } from '#lib/endable.ts'
import { InvalidInput } from '#lib/errors.ts'
import type { Actor, JournalEntry } from '#platform/journal/entry.ts'
import type { Journal, JournalStream } from '#platform/journal/journal.ts'
import { ownFamilyOf } from '#platform/journal/own-families.ts'
import type { EventType } from './catalog.ts'

/** What an account's outsiders see of the journal. */
export type EventService = ReturnType<typeof createEventService>

export interface EventFilter {
  /** Exact types or families such as `task.*`; all but the very frequent ones when absent. */
  readonly types?: readonly string[] | undefined
  readonly subject?: string | undefined
}

/** A journal entry as outsiders see it. */
export interface Event {
  /** Where a later stream or page goes on. */
  readonly cursor: string
  /** Where the journal has it; undefined for what only the stream says. */
  readonly position?: Pick<JournalEntry, 'xid' | 'seq'>
  readonly type: string
  readonly subject: string
  readonly at: Date
  readonly actor: Actor
  readonly data: Readonly<Record<string, unknown>>
}

/** A stretch of the past. */
export interface EventPage {
  readonly events: readonly Event[]
  /** Where the next page goes on; undefined when nothing was read. */
  readonly endCursor: string | undefined
  readonly hasMore: boolean
}

/** In a stream, in the place of events that were dropped because the reader was too slow; `data.skipped` says how many. */
const laggedType = 'stream.lagged'
/** In a stream, the first event when its types look wrong; `data.warnings` says why. */
const warningType = 'stream.warning'
const system: Actor = { kind: 'system', id: 'system', name: 'system' }

const typePattern = /^[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)*(\.\*)?$/
const maxTypes = 50
const securityFamily = 'auth.*'
/** Maximum number of entries examined for one page: a caller who may see few of them continues with the next page. */
const stepSize = 500
const maxSteps = 20

export interface EventServiceDeps {
  readonly journal: Journal
  /** Types left out unless they are asked for by name: too frequent to be news. */
  readonly quietTypes: readonly string[]
  /** Types that are only for callers who may read the audit log. */
  readonly securityTypes: readonly string[]
  /** All types of events that the server writes. */
  readonly describeTypes: () => readonly EventType[]
  /** What is probably wrong with a type or family that events are selected by; empty when nothing is. */
  readonly typeWarnings: (types: readonly string[]) => readonly string[]
  /** What a caller may see of an entry's data, beyond what `events:read` allows; undefined: nothing of the entry. */
  readonly shownData: (caller: Caller, entry: JournalEntry) => JournalEntry['data'] | undefined
}

export function createEventService(deps: EventServiceDeps) {
  const { journal, quietTypes, securityTypes, describeTypes, typeWarnings, shownData } = deps

  /**
   * A page of events, oldest first. A caller who may see few of them may get less than a page, or nothing, and continues
   * after its end. @throws {InvalidCursor} @throws {CursorExpired} @throws {InvalidInput}
   */
  async function list(
    caller: Caller,
    filter: EventFilter,
    after: string | undefined,
    limit: number,
  ): Promise<EventPage> {
    caller.must('events:read')
    const wanted = filterFor(caller, filter)
    const events: Event[] = []
    let last = after
    for (let step = 0; step < maxSteps; step += 1) {
      const size = step === 0 ? limit + 1 : stepSize
      const entries = await journal.page(wanted, last, size)
      for (const entry of entries) {
        if (events.length === limit) return { events, endCursor: last, hasMore: true }
        last = journal.cursorOf(entry)
        events.push(...eventFor(caller, entry, last))
      }
      if (entries.length < size) return { events, endCursor: last, hasMore: false }
    }
    return { events, endCursor: last, hasMore: true }
  }

  /** What happens from now on, or after a cursor. @throws as {@link list} */
  async function follow(
    caller: Caller,
    filter: EventFilter,
    after: string | undefined,
  ): Promise<AsyncGenerator<Event>> {
    caller.must('events:read')
    const wanted = filterFor(caller, filter)
    const found = await warnings(caller, filter.types)
    const stream = await journal.open(wanted, { after })
    return endable(tell(caller, stream, found), () => stream.close())
  }

  /**
   * What is probably wrong with types that a caller asks for, a sentence each: the server never writes them, and nobody
   * has triggered them recently. Names of events are open, so none is refused for it. @throws {InvalidInput}
   */
  async function warnings(caller: Caller, types: readonly string[] | undefined): Promise<readonly string[]> {
    caller.must('events:read')
    const { types: asked = [] } = checked({ types })
    return patternWarnings(caller, asked)
  }

  /** The same of patterns that a webhook of the account is given events by. */
  async function patternWarnings(
    caller: Pick<Caller, 'accountId'>,
    asked: readonly string[],
  ): Promise<readonly string[]> {
    const suspicious = [...new Set(asked)].filter((type) => typeWarnings([type]).length > 0)
    const triggered = await triggeredOf(caller, suspicious)
    return typeWarnings(suspicious.filter((pattern) => !triggered.some((type) => selects(pattern, type))))
  }

  /** Which types have been triggered recently; only those outside of the server's own families can be. */
  async function triggeredOf(
    { accountId }: Pick<Caller, 'accountId'>,
    patterns: readonly string[],
  ): Promise<readonly string[]> {
    const open = patterns.filter((pattern) => ownFamilyOf(pattern) === undefined)
    return open.length === 0 ? [] : journal.recentTypes(accountId, open)
  }

  async function* tell(
    caller: Caller,
    stream: JournalStream<never>,
    warnings: readonly string[],
  ): AsyncGenerator<Event> {
    if (warnings.length > 0) yield aboutStream(stream.cursor, warningType, { warnings })
    for await (const item of stream) {
      if (item.kind === 'entry') yield* eventFor(caller, item.entry, item.cursor)
      if (item.kind === 'lagged') yield aboutStream(item.cursor, laggedType, { skipped: item.skipped ?? null })
    }
  }

  /** The event that an entry is for this caller; none when they may not see it. */
  function eventFor(caller: Caller, entry: JournalEntry, cursor: string): Event[] {
    const data = shownData(caller, entry)
    const { xid, seq, type, subject, at, actor } = entry
    return data === undefined ? [] : [{ cursor, position: { xid, seq }, type, subject, at, actor, data }]
  }

  function filterFor(caller: Caller, filter: EventFilter) {
    const { types, subject } = checked(filter)
    if (types?.some((type) => securityTypes.includes(type) || type === securityFamily)) caller.must('audit:read')
    const excludedTypes = [
      ...(types === undefined ? quietTypes : []),
      ...(caller.can('audit:read') ? [] : securityTypes),
    ]
    return { accountId: caller.accountId, types, excludedTypes, subject }
  }

  return { list, follow, warnings, patternWarnings, types: describeTypes }
}

function selects(pattern: string, type: string): boolean {
  return pattern.endsWith('.*') ? type.startsWith(pattern.slice(0, -1)) : pattern === type
}

/** What the stream itself has to say. */
function aboutStream(cursor: string, type: string, data: Event['data']): Event {
  return { cursor, type, subject: 'stream', at: new Date(), actor: system, data }
}

function checked(filter: EventFilter): EventFilter {
  const { types } = filter
  if (types !== undefined && types.length > maxTypes)
    throw new InvalidInput(`At most ${maxTypes} types can be requested.`)
  const bad = types?.find((type) => !typePattern.test(type))
  if (bad !== undefined)
    throw new InvalidInput(`"${bad}" is neither an event type, such as task.completed, nor a family, such as task.*.`)
  return filter
}
