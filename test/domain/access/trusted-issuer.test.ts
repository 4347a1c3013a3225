import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { TrustedIssuer } from '#domain/access/trust/trusted-issuer.ts'
import { GuardedFetch } from '#platform/http/guarded-fetch.ts'
import { createLog } from '#platform/telemetry/log.ts'
import { type CiIssuer, startCiIssuer } from '#test/support/ci-issuer.ts'

let issuer: CiIssuer
let outbound: GuardedFetch
let trusted: TrustedIssuer
beforeEach(async () => {
  issuer = await startCiIssuer()
  outbound = new GuardedFetch({ egressAllow: ['127.0.0.0/8'] })
  trusted = new TrustedIssuer(issuer.url, { outbound, log: createLog({ level: 'silent', format: 'json' }) })
  vi.useFakeTimers({ toFake: ['Date'] })
})
afterEach(async () => {
  vi.useRealTimers()
  await outbound.close()
  await issuer.close()
})

const verify = (token: string) => trusted.verify(token, ['https://signalbox.test'])
const fetched = () => issuer.asked.filter((path) => path === '/keys').length

describe('an issuer that changes its key', () => {
  it('is asked for the new one, at most once a minute, and its old one stays valid', async () => {
    const before = await issuer.sign({ a: 'old' })
    expect(await verify(before)).toMatchObject({ a: 'old' })
    await issuer.rotate()
    const early = await issuer.sign({ a: 'new' })
    await expect(verify(early)).rejects.toMatchObject({ code: 'UNAUTHENTICATED', reason: 'INVALID_TOKEN' })
    expect(fetched()).toBe(1)
    vi.setSystemTime(Date.now() + 61_000)
    expect(await verify(early)).toMatchObject({ a: 'new' })
    expect(fetched()).toBe(2)
    expect(await verify(before)).toMatchObject({ a: 'old' })
    expect(fetched()).toBe(2)
  })

  it('is asked again for unknown keys only once a minute, however many tokens name them', async () => {
    await verify(await issuer.sign({}))
    vi.setSystemTime(Date.now() + 61_000)
    await issuer.rotate()
    const other = await startCiIssuer()
    for (let count = 0; count < 3; count += 1)
      await expect(verify(await other.sign({ iss: issuer.url }))).rejects.toMatchObject({ reason: 'INVALID_TOKEN' })
    expect(fetched()).toBe(2)
    expect(await verify(await issuer.sign({ a: 'new' }))).toMatchObject({ a: 'new' })
    await other.close()
  })
})
