import { describe, expect, it } from 'vitest'
import { SalesforceFailure } from '#domain/salesforce/errors.ts'
import { poll, pollWaitMs } from '#domain/salesforce/tasks/poll.ts'

describe('the wait between two looks', () => {
  it.each([
    ['is short at first', 0, undefined, 250],
    ['grows', 3, undefined, 1_000],
    ['ends at five seconds', 100, undefined, 5_000],
    ['is no longer while many calls are left for the day', 100, { used: 0, max: 100_000 }, 5_000],
    ['is longer when an hour’s share is small', 100, { used: 90_000, max: 100_000 }, 7_200],
    ['is short at first all the same', 0, { used: 90_000, max: 100_000 }, 250],
    ['is a minute when next to none are left', 0, { used: 99_990, max: 100_000 }, 60_000],
  ])('%s', (_, looks, usage, waitMs) => {
    expect(pollWaitMs(looks, usage)).toBe(waitMs)
  })
})

describe('looking again and again', () => {
  const org = { usage: undefined }
  const failure = (state?: 'MAINTENANCE') => new SalesforceFailure('no', { reason: 'NO', state })

  it('waits out what passes', async () => {
    let looks = 0
    const look = async () => {
      looks += 1
      if (looks === 1) throw failure('MAINTENANCE')
      return looks === 3 ? 'found' : undefined
    }
    expect(await poll(org, new AbortController().signal, look)).toBe('found')
  })

  it('ends with what does not pass, and when it is stopped', async () => {
    const never = new AbortController()
    await expect(poll(org, never.signal, () => Promise.reject(failure()))).rejects.toThrow('no')
    await expect(poll(org, AbortSignal.abort(), async () => undefined)).rejects.toMatchObject({ name: 'AbortError' })
  })
})
