import { describe, expect, it } from 'vitest'
import { createEgressRule } from '#platform/http/egress.ts'

const inner = [
  '0.0.0.0',
  '10.0.0.1',
  '100.64.0.1',
  '127.0.0.1',
  '169.254.169.254',
  '172.16.0.1',
  '192.0.0.8',
  '192.0.2.1',
  '192.88.99.1',
  '192.168.1.1',
  '198.18.0.1',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::7f00:1',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '::ffff:0:127.0.0.1',
  '64:ff9b::7f00:1',
  '64:ff9b:1::7f00:1',
  '100::1',
  '2001::1',
  '2001:2::1',
  '2001:db8::1',
  '2001:10::1',
  '2002:7f00:1::1',
  '3fff::1',
  '4000::1',
  '5f00::1',
  'fc00::1',
  'fd00:ec2::254',
  'fe80::1',
  'fec0::1',
  'ff02::1',
]

describe('where outbound calls may go', () => {
  it.each(inner)('is not %s', (address) => {
    expect(createEgressRule([])(address)).toBe(false)
  })

  it.each(['1.1.1.1', '93.184.215.14', '::ffff:1.1.1.1', '2606:4700:4700::1111'])('is %s', (address) => {
    expect(createEgressRule([])(address)).toBe(true)
  })

  it('is a network that is allowed, also in its other spelling, and no other', () => {
    const mayReach = createEgressRule(['10.1.0.0/16', 'fd00::/8'])
    expect(['10.1.2.3', '::ffff:10.1.2.3', 'fd12::1'].map(mayReach)).toEqual([true, true, true])
    expect(['10.2.0.1', 'fc00::1', '127.0.0.1'].map(mayReach)).toEqual([false, false, false])
    const written = createEgressRule(['::ffff:10.1.0.0/112'])
    expect(['10.1.2.3', '::ffff:10.1.2.3', '10.2.0.1'].map(written)).toEqual([true, true, false])
  })

  it('is nothing that is no address', () => {
    expect(['localhost', '', '[::1]', '127.0.0.1:80'].map(createEgressRule(['0.0.0.0/0', '::/0']))).toEqual([
      false,
      false,
      false,
      false,
    ])
  })
})
