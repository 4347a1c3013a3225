import { describe, expect, it } from 'vitest'
import { addressBlock, addressNetwork, plainAddress } from '#lib/address.ts'

describe('a plain address', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['::FFFF:203.0.113.7', '203.0.113.7'],
    ['::ffff:cb00:7107', '203.0.113.7'],
    ['0:0:0:0:0:ffff:203.0.113.7', '203.0.113.7'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::1', '::1'],
    ['not an address', 'not an address'],
    ['no:address', 'no:address'],
    ['', ''],
  ])('of %s is %s', (text, plain) => {
    expect(plainAddress(text)).toBe(plain)
  })
})

describe('what addresses are counted by', () => {
  it('is the whole of an IPv4 address, and a /64 of IPv6', () => {
    expect(addressBlock('203.0.113.7')).toBe('203.0.113.7')
    expect(addressBlock('2001:db8:1:2::1')).toBe('2001:db8:1:2::/64')
    expect(addressBlock('2001:db8:1:2::1')).toBe(addressBlock('2001:db8:1:2:ffff::9'))
    expect(addressBlock('2001:db8:1:2::1')).not.toBe(addressBlock('2001:db8:1:3::1'))
    expect(addressBlock('::1')).not.toBe(addressBlock('2001:db8::1'))
  })

  it('is the IPv4 address behind a translator', () => {
    expect(addressBlock('64:ff9b::203.0.113.7')).toBe('203.0.113.7')
    expect(addressBlock('64:ff9b::203.0.113.8')).toBe('203.0.113.8')
  })

  it('is a /24 or a /48 where networks are compared', () => {
    expect(addressNetwork('203.0.113.7')).toBe(addressNetwork('203.0.113.200'))
    expect(addressNetwork('203.0.113.7')).not.toBe(addressNetwork('203.0.114.7'))
    expect(addressNetwork('2001:db8:1:2::1')).toBe(addressNetwork('2001:db8:1:ffff::1'))
    expect(addressNetwork('2001:db8:1::1')).not.toBe(addressNetwork('2001:db8:2::1'))
  })

  it('is the text itself where that is not an address', () => {
    for (const text of ['', 'nonsense', 'no:address']) expect(addressBlock(text)).toBe(text)
  })
})
