import { describe, expect, it } from 'vitest'
import { SignalboxError, SignalboxUnreachable } from '#client/index.ts'
import { persist, type Reconnection, resume } from '#client/resume.ts'

interface Item {
  readonly cursor: string
  readonly lagged?: true
  readonly last?: true
}
/** What one opening of the stream gives: items, and the error that breaks it, if any. */
type Opening = readonly (Item | Error)[]

/** A stream whose openings are written down beforehand. */
function scripted(openings: readonly Opening[], isOver = false) {
  const opened: (string | undefined)[] = []
  const reconnections: Reconnection['reason'][] = []
  const read = async (options: { after?: string; signal?: AbortSignal; giveUpAfterMs?: number } = {}) => {
    const cursors: string[] = []
    const stream = resume<Item>(
      {
        async *open(after) {
          const script = openings[opened.length]
          opened.push(after)
          if (script === undefined) throw new Error('opened too often')
          for (const item of script) {
            if (item instanceof Error) throw item
            yield item
          }
        },
        cursorOf: ({ cursor }) => cursor,
        isLagged: ({ lagged }) => lagged === true,
        isLast: ({ last }) => last === true,
        isOver: async () => isOver,
      },
      { ...options, onReconnect: ({ reason }) => reconnections.push(reason) },
    )
    for await (const { cursor } of stream) cursors.push(cursor)
    return cursors
  }
  return { read, opened, reconnections }
}

const lost = new SignalboxUnreachable('lost')
const expired = new SignalboxError('too old', { code: 'CURSOR_EXPIRED' })
const tooSlow = new SignalboxError('too slow', { code: 'READER_TOO_SLOW' })

describe('a followed stream', () => {
  it('resumes after its last item when the connection breaks', async () => {
    const { read, opened, reconnections } = scripted([
      [{ cursor: 'a' }, { cursor: 'b' }, lost],
      [lost],
      [{ cursor: 'c', last: true }],
    ])
    expect(await read()).toEqual(['a', 'b', 'c'])
    expect(opened).toEqual([undefined, 'b', 'b'])
    expect(reconnections).toEqual(['lost', 'lost'])
  })

  it('fetches again what was dropped, and tells nobody of it but onReconnect', async () => {
    const { read, opened, reconnections } = scripted([
      [{ cursor: 'a' }, { cursor: 'a', lagged: true }, { cursor: 'never' }],
      [{ cursor: 'b' }, tooSlow],
      [{ cursor: 'c', last: true }],
    ])
    expect(await read()).toEqual(['a', 'b', 'c'])
    expect(opened).toEqual([undefined, 'a', 'b'])
    expect(reconnections).toEqual(['lagged', 'lagged'])
  })

  it('starts from what is when its cursor has expired, and says so', async () => {
    const { read, opened, reconnections } = scripted([[expired], [{ cursor: 'z', last: true }]])
    expect(await read({ after: 'a' })).toEqual(['z'])
    expect(opened).toEqual(['a', undefined])
    expect(reconnections).toEqual(['expired'])
  })

  it('looks once more when the stream was completed without a last item', async () => {
    const { read, opened } = scripted([[{ cursor: 'a' }], [{ cursor: 'b', last: true }]], true)
    expect(await read()).toEqual(['a', 'b'])
    expect(opened).toEqual([undefined, 'a'])
  })

  it('ends when that look finds nothing', async () => {
    const { read, opened } = scripted([[], []], true)
    expect(await read({ after: 'a' })).toEqual([])
    expect(opened).toEqual(['a', 'a'])
  })

  it('takes a completion while there is more to come for a lost connection', async () => {
    const { read, reconnections } = scripted([[{ cursor: 'a' }], [{ cursor: 'b', last: true }]], false)
    expect(await read()).toEqual(['a', 'b'])
    expect(reconnections).toEqual(['lost'])
  })

  it('gives up with the last error when its patience ends', async () => {
    const { read } = scripted([[{ cursor: 'a' }, lost]])
    await expect(read({ giveUpAfterMs: 0 })).rejects.toBe(lost)
  })

  it('does not try again what trying again can’t help', async () => {
    const forbidden = new SignalboxError('no', { code: 'FORBIDDEN' })
    const { read, opened } = scripted([[forbidden]])
    await expect(read()).rejects.toBe(forbidden)
    expect(opened).toHaveLength(1)
  })

  it('ends with the signal’s reason while it waits', async () => {
    const controller = new AbortController()
    const { read } = scripted([[lost], [lost], [lost], [lost], [lost], [lost]])
    const reading = read({ signal: controller.signal })
    controller.abort(new Error('enough'))
    await expect(reading).rejects.toThrow('enough')
  })
})

it('a request is repeated until the server answers', async () => {
  const answers = [lost, new SignalboxError('later', { code: 'UNAVAILABLE' }), 'here']
  const ask = async () => {
    const answer = answers.shift()
    if (answer instanceof Error) throw answer
    return answer
  }
  expect(await persist(ask)).toBe('here')
})
