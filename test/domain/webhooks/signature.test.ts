import { createPublicKey, verify } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { Webhook as SvixWebhook } from 'svix'
import { describe, expect, it } from 'vitest'
import { verifyWebhook } from '#client/index.ts'
import { createSigner, newStoredKey, rotatedKeys, verificationKey } from '#domain/webhooks/signature.ts'

const id = 'msg_p5jXN8AQM9LWM0D4loKWxJek'
const body = '{"test": 2432232314, "text": "grüße"}'
const hmac = newStoredKey('HMAC_SHA256')
const ed25519 = newStoredKey('ED25519')
const now = new Date(Math.floor(Date.now() / 1000) * 1000)

describe('a signature', () => {
  it('is that of the published example', () => {
    const signer = createSigner([{ method: 'HMAC_SHA256', key: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' }])
    expect(signer(id, new Date(1_614_265_330_000), '{"test": 2432232314}')).toEqual({
      'webhook-id': id,
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    })
  })

  it('is accepted by the verifiers of others', () => {
    const headers = createSigner([hmac])(id, now, body)
    expect(new Webhook(verificationKey(hmac)).verify(body, headers)).toMatchObject({ test: 2432232314 })
    expect(() => new SvixWebhook(verificationKey(hmac)).verify(body, headers)).not.toThrow()
    for (const Verifier of [Webhook, SvixWebhook])
      expect(() => new Verifier(verificationKey(newStoredKey('HMAC_SHA256'))).verify(body, headers)).toThrow()
  })

  it('is accepted by our own verifier, of both kinds', () => {
    for (const key of [hmac, ed25519]) {
      const headers = createSigner([key])(id, now, body)
      expect(verifyWebhook(headers, body, { secret: verificationKey(key) })).toEqual({ id, at: now })
      expect(verifyWebhook(new Headers(headers), Buffer.from(body), { secret: verificationKey(key) }).id).toBe(id)
    }
  })

  it('is ed25519 over id, time and body', () => {
    const header = createSigner([ed25519])(id, now, body)['webhook-signature'] ?? ''
    const x = Buffer.from(verificationKey(ed25519).slice('whpk_'.length), 'base64').toString('base64url')
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
    const content = Buffer.from(`${id}.${now.getTime() / 1000}.${body}`)
    expect(verify(null, content, key, Buffer.from(header.slice('v1a,'.length), 'base64'))).toBe(true)
  })
})

describe('our verifier', () => {
  const headers = createSigner([hmac])(id, now, body)
  const secret = verificationKey(hmac)
  const code = { code: 'WEBHOOK_NOT_GENUINE' }

  it.each([
    ['another body', headers, `${body} `, {}],
    ['another id', { ...headers, 'webhook-id': 'msg_other' }, body, {}],
    ['another time', { ...headers, 'webhook-timestamp': String(now.getTime() / 1000 + 1) }, body, {}],
    ['a time that is none', { ...headers, 'webhook-timestamp': '1e9' }, body, {}],
    ['no signature', { ...headers, 'webhook-signature': '' }, body, {}],
    ['a missing header', { 'webhook-id': id }, body, {}],
    [
      'one of another version',
      { ...headers, 'webhook-signature': headers['webhook-signature']?.replace('v1', 'v2') },
      body,
      {},
    ],
    ['one that is too old', headers, body, { now: new Date(now.getTime() + 301_000) }],
    ['one of the future', headers, body, { now: new Date(now.getTime() - 301_000) }],
    ['an ed25519 key', headers, body, { secret: verificationKey(ed25519) }],
  ])('refuses %s', (_name, given, text, options) => {
    expect(() => verifyWebhook(given, text, { secret, ...options })).toThrow(expect.objectContaining(code))
  })

  it('accepts one among several signatures, and one among several secrets', () => {
    const both = createSigner([newStoredKey('HMAC_SHA256'), ed25519, hmac])(id, now, body)
    expect(both['webhook-signature']?.split(' ').map((text) => text.split(',')[0])).toEqual(['v1', 'v1a', 'v1'])
    expect(verifyWebhook(both, body, { secret }).id).toBe(id)
    expect(verifyWebhook(headers, body, { secret: [verificationKey(ed25519), secret] }).id).toBe(id)
    expect(new Webhook(secret).verify(body, both)).toBeDefined()
  })
})

describe('a rotation', () => {
  const until = new Date(now.getTime() + 1_000)

  it('lets the old key sign beside the new one, until its time is over', () => {
    const keys = rotatedKeys([hmac], { method: 'HMAC_SHA256', until, now })
    const [fresh, old] = keys
    expect([fresh?.until, old]).toEqual([undefined, { ...hmac, until: until.toISOString() }])
    const signer = createSigner(keys)
    expect(signer(id, now, body)['webhook-signature']?.split(' ')).toHaveLength(2)
    expect(signer(id, until, body)['webhook-signature']?.split(' ')).toHaveLength(1)
  })

  it('lengthens no key’s time, and leaves out what is over', () => {
    const ending = { ...hmac, until: new Date(now.getTime() + 10).toISOString() }
    const over = { ...hmac, until: new Date(now.getTime() - 10).toISOString() }
    expect(rotatedKeys([hmac, ending, over], { method: 'ED25519', until, now }).slice(1)).toEqual([
      { ...hmac, until: until.toISOString() },
      ending,
    ])
    expect(rotatedKeys([hmac], { method: 'ED25519', until: now, now })).toHaveLength(1)
  })
})
