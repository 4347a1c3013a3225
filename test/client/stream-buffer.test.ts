import { describe, expect, it } from 'vitest'
import { StreamBuffer } from '#client/stream-buffer.ts'

async function read<T>(buffer: StreamBuffer<T>): Promise<(T | string)[]> {
  const values: (T | string)[] = []
  try {
    for await (const value of buffer) values.push(value)
  } catch (error) {
    values.push((error as Error).message)
  }
  return values
}

describe('a stream buffer', () => {
  it('gives what was put before and during reading, in order, and ends', async () => {
    const buffer = new StreamBuffer<number>(10)
    buffer.put(1)
    const reading = read(buffer)
    await Promise.resolve()
    buffer.put(2)
    buffer.end()
    expect(await reading).toEqual([1, 2])
  })

  it('takes as many items as it has room for', () => {
    const buffer = new StreamBuffer<number>(2)
    expect([buffer.put(1), buffer.put(2), buffer.put(3)]).toEqual([true, true, false])
  })

  it('gives an error last, and only the first', async () => {
    const buffer = new StreamBuffer<number>(2)
    buffer.put(1)
    buffer.end({ error: new Error('first') })
    buffer.end({ error: new Error('second') })
    expect(buffer.put(2)).toBe(false)
    expect(await read(buffer)).toEqual([1, 'first'])
  })

  it('drops what it holds when it is aborted', async () => {
    const buffer = new StreamBuffer<number>(2)
    buffer.put(1)
    buffer.abort(new Error('aborted'))
    expect(await read(buffer)).toEqual(['aborted'])
  })
})
