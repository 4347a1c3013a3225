import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { hasEnded, ownWorkerProcess, type WorkerProcess } from '#platform/work/worker-process.ts'

const own = await ownWorkerProcess(undefined)

async function endedPid(): Promise<number> {
  const child = spawn('true')
  await once(child, 'exit')
  return child.pid as number
}

describe('hasEnded', () => {
  const others: [string, (gone: number) => Partial<WorkerProcess>, boolean][] = [
    ['of a process of this machine that lives', () => ({}), false],
    ['of one that has ended', (pid) => ({ pid }), true],
    ['of one whose number another process has by now', () => ({ start: '1' }), true],
    ['of one in another container', (pid) => ({ pid, view: 'boot pid:[1]' }), false],
    ['of one of which only its number is known', (pid) => ({ pid, view: '', start: '' }), false],
    [
      'of one of another installation with an embedded database',
      (pid) => ({ pid, view: '', embeddedIn: 'other' }),
      false,
    ],
    ['of the one that had this embedded database before', () => ({ view: '', embeddedIn: 'this' }), true],
  ]
  it.each(others)('%s', async (_name, change, expected) => {
    const other = { ...own, ...change(await endedPid()) }
    expect(await hasEnded(other, { ...own, embeddedIn: 'this' })).toBe(expected)
  })
})
