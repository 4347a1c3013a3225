import { describe, expect, it } from 'vitest'
import { Mailbox } from '#lib/mailbox.ts'

async function drain<T>(mailbox: Mailbox<T>) {
  const letters = []
  for (let letter = await mailbox.take(); letter !== undefined; letter = await mailbox.take()) letters.push(letter)
  return letters
}

describe('a mailbox', () => {
  it('gives items in the order in which they were put in', async () => {
    const mailbox = new Mailbox<number>(10)
    for (const item of [1, 2, 3]) mailbox.put(item)
    mailbox.close()
    expect(await drain(mailbox)).toEqual([{ item: 1 }, { item: 2 }, { item: 3 }])
  })

  it('hands an item to a reader that waits', async () => {
    const mailbox = new Mailbox<string>(10)
    const reading = mailbox.take()
    mailbox.put('late')
    expect(await reading).toEqual({ item: 'late' })
  })

  it('drops what it holds when it is full, and says first how many that were', async () => {
    const mailbox = new Mailbox<number>(3)
    for (const item of [1, 2, 3, 4, 5]) mailbox.put(item)
    mailbox.close()
    expect(await drain(mailbox)).toEqual([{ skipped: 3 }, { item: 4 }, { item: 5 }])
  })

  it('keeps only the newest of a key, after all that must not be lost', async () => {
    const mailbox = new Mailbox<string>(3)
    mailbox.putLatest('progress', '1 %')
    mailbox.put('fact')
    mailbox.putLatest('progress', '2 %')
    mailbox.close()
    expect(await drain(mailbox)).toEqual([{ item: 'fact' }, { item: '2 %' }])
  })

  it('holds no more keys than it holds items', () => {
    const mailbox = new Mailbox<number>(2)
    for (const key of ['a', 'b', 'c']) mailbox.putLatest(key, 1)
    expect(mailbox.size).toBe(2)
  })

  it('ends a reader that waits when it is closed', async () => {
    const mailbox = new Mailbox<number>(1)
    const reading = mailbox.take()
    mailbox.close()
    expect(await reading).toBeUndefined()
  })
})
