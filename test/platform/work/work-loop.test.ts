import { describe, expect, it, onTestFinished } from 'vitest'
import { createLog } from '#platform/telemetry/log.ts'
import { WorkLoop, type WorkLoopOptions } from '#platform/work/work-loop.ts'
import { until } from '#test/support/until.ts'

const log = createLog({ level: 'silent', format: 'json' })
const never = 60_000

function loopOf(options: Partial<WorkLoopOptions> & Pick<WorkLoopOptions, 'work'>): WorkLoop {
  const loop = new WorkLoop({ name: 'test', intervalMs: never, log, ...options })
  onTestFinished(() => loop.stop())
  return loop
}

/** Work that counts its runs; the first ones say that there will be more. */
function countedWork(moreAfter = 0) {
  let runs = 0
  return {
    get runs() {
      return runs
    },
    work: async () => {
      runs += 1
      return runs <= moreAfter ? 1 : undefined
    },
  }
}

/** Work that counts its runs, each of which goes on until it is let go. */
function heldWork() {
  let runs = 0
  let letGo: () => void = () => {}
  return {
    get runs() {
      return runs
    },
    letGo: () => letGo(),
    work: async () => {
      runs += 1
      await new Promise<void>((resolve) => {
        letGo = resolve
      })
      return undefined
    },
  }
}

/** Resolves when a loop that was hinted at later than any other has run twice: what the others do at once is done. */
async function otherLoopRan(): Promise<void> {
  const counted = countedWork(1)
  loopOf({ work: counted.work }).hint()
  await until(() => counted.runs === 2)
}

describe('a work loop', () => {
  it('runs after its interval, again and again', async () => {
    const counted = countedWork()
    loopOf({ work: counted.work, intervalMs: 5 }).start()
    await until(() => counted.runs >= 3)
  })

  it('runs after a hint long before its interval is over', async () => {
    const counted = countedWork()
    const loop = loopOf({ work: counted.work })
    loop.start()
    loop.hint()
    await until(() => counted.runs === 1)
  })

  it('gathers hints that come close together', async () => {
    const counted = countedWork()
    const loop = loopOf({ work: counted.work, hintDelayMs: () => 20 })
    for (let hints = 0; hints < 100; hints += 1) loop.hint()
    await until(() => counted.runs === 1)
    await loop.stop()
    expect(counted.runs).toBe(1)
  })

  it('runs once more after a hint during a run, and never twice at once', async () => {
    const held = heldWork()
    const loop = loopOf({ work: held.work })
    loop.start(0)
    await until(() => held.runs === 1)
    loop.hint()
    loop.hint()
    await otherLoopRan()
    expect(held.runs).toBe(1)
    held.letGo()
    await until(() => held.runs === 2)
    held.letGo()
    await loop.stop()
    expect(held.runs).toBe(2)
  })

  it('runs when the work says that there will be more', async () => {
    const counted = countedWork(2)
    loopOf({ work: counted.work }).start(0)
    await until(() => counted.runs === 3)
  })

  it('goes on after a failure', async () => {
    let runs = 0
    const work = async () => {
      runs += 1
      if (runs === 1) throw new Error('once')
      return undefined
    }
    loopOf({ work, intervalMs: 5 }).start(0)
    await until(() => runs >= 2)
  })

  it('waits for the current run when it is stopped, and starts no other', async () => {
    const held = heldWork()
    const loop = loopOf({ work: held.work })
    loop.start(0)
    await until(() => held.runs === 1)
    loop.hint()
    let isStopped = false
    const stopping = loop.stop().then(() => {
      isStopped = true
    })
    await otherLoopRan()
    expect(isStopped).toBe(false)
    held.letGo()
    await stopping
    loop.hint()
    await otherLoopRan()
    expect(held.runs).toBe(1)
  })
})
