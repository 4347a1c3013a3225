import { crc32, deflateRawSync } from 'node:zlib'

export interface ZipMember {
  readonly name: string
  readonly data: Buffer | string
  /** What the file claims to be unpacked; its real size when absent. */
  readonly claimedBytes?: number
  /** A Unix mode; a regular file's when absent. */
  readonly mode?: number
}

const regularFile = 0o100644
const largeBytes = 1_000_000
const versionMadeBy = (3 << 8) | 20

/** A zip file with what it is given, also what no library would write. */
export function zipOf(members: readonly ZipMember[]): Buffer {
  const locals: Buffer[] = []
  const centrals: Buffer[] = []
  let offset = 0
  for (const { name, data, claimedBytes, mode = regularFile } of members) {
    const bytes = Buffer.from(data)
    // Noise can't be compressed, and trying holds up the servers in this process.
    const packed = deflateRawSync(bytes, { level: bytes.length > largeBytes ? 0 : 6 })
    const shared = Buffer.alloc(26)
    shared.writeUInt16LE(20, 0)
    shared.writeUInt16LE(8, 4)
    shared.writeUInt32LE(crc32(bytes), 10)
    shared.writeUInt32LE(packed.length, 14)
    shared.writeUInt32LE(claimedBytes ?? bytes.length, 18)
    shared.writeUInt16LE(Buffer.byteLength(name), 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), shared, Buffer.from(name), packed])
    const tail = Buffer.alloc(14)
    tail.writeUInt32LE((mode << 16) >>> 0, 6)
    tail.writeUInt32LE(offset, 10)
    const madeBy = Buffer.alloc(2)
    madeBy.writeUInt16LE(versionMadeBy)
    centrals.push(Buffer.concat([Buffer.from('PK\x01\x02'), madeBy, shared, tail, Buffer.from(name)]))
    locals.push(local)
    offset += local.length
  }
  const central = Buffer.concat(centrals)
  const end = Buffer.alloc(18)
  end.writeUInt16LE(members.length, 4)
  end.writeUInt16LE(members.length, 6)
  end.writeUInt32LE(central.length, 8)
  end.writeUInt32LE(offset, 12)
  return Buffer.concat([...locals, central, Buffer.from('PK\x05\x06'), end])
}
