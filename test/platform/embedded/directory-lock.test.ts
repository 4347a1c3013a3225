import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type DirectoryLock, lockDirectory } from '#platform/embedded/directory-lock.ts'
import { ownIdentity } from '#platform/system/process-identity.ts'
import { isLinux, makeDirectory, removeDirectory } from '#test/support/embedded.ts'

let directory: string
let path: string

beforeEach(async () => {
  directory = await makeDirectory()
  path = join(directory, 'signalbox.lock')
})

afterEach(() => removeDirectory(directory))

async function leaveLock(change: object): Promise<void> {
  await writeFile(path, JSON.stringify({ ...(await ownIdentity()), id: 'left', ...change }))
}

async function takeAtOnce(count: number): Promise<DirectoryLock[]> {
  const attempts = await Promise.allSettled(Array.from({ length: count }, () => lockDirectory(directory)))
  return attempts.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
}

it('is held by one, and free again once released', async () => {
  const lock = await lockDirectory(directory)
  await expect(lockDirectory(directory)).rejects.toThrow(`process ${process.pid} on`)
  await lock.release()
  const again = await lockDirectory(directory)
  await lock.release()
  await expect(lockDirectory(directory)).rejects.toThrow('is in use')
  await again.release()
  expect(await readdir(directory)).toEqual([])
})

it.runIf(isLinux)(
  'is taken over from a dead holder, also when its number has been given to another process',
  async () => {
    await leaveLock({ start: '1' })
    const lock = await lockDirectory(directory)
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject(await ownIdentity())
    await lock.release()
  },
)

it.runIf(isLinux)('is taken over after the machine was rebooted', async () => {
  const { view } = await ownIdentity()
  await leaveLock({ view: view.replace(/^\S+/, 'another-boot') })
  await (await lockDirectory(directory)).release()
})

it('is taken over when its file was cut short', async () => {
  await writeFile(path, '')
  await (await lockDirectory(directory)).release()
})

it('goes to exactly one of many that find it free or left behind', async () => {
  for (let round = 0; round < 20; round += 1) {
    if (round % 2 === 0) await leaveLock({ pid: 0x7fff_ffff, id: `left-${round}` })
    const locks = await takeAtOnce(20)
    expect(locks).toHaveLength(1)
    await locks[0]?.release()
  }
  expect(await readdir(directory)).toEqual([])
})

it('recovers from a process that died while it was taking the lock over', async () => {
  await leaveLock({ pid: 0x7fff_ffff, id: 'first' })
  const second = { ...(await ownIdentity()), pid: 0x7fff_fffe, id: 'second' }
  await writeFile(`${path}.first`, JSON.stringify(second))
  const locks = await takeAtOnce(5)
  expect(locks).toHaveLength(1)
  await locks[0]?.release()
  expect(await readdir(directory)).toEqual([])
})
