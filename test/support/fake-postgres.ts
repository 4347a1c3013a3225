import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

/**
 * A server that speaks just enough of PostgreSQL's protocol to accept every client and to answer every query with one value:
 * stands for versions that aren't installed here.
 */
export async function servePostgresOfVersion(version: string): Promise<AsyncDisposable & { port: number }> {
  const value = Buffer.from(version)
  const ready = message('Z', Buffer.from('I'))
  const welcome = Buffer.concat([message('R', int32(0)), ready])
  const column = Buffer.concat([
    int16(1),
    Buffer.from('version\0'),
    int32(0),
    int16(0),
    int32(25),
    int16(-1),
    int32(-1),
    int16(0),
  ])
  const row = Buffer.concat([int16(1), int32(value.length), value])
  const answer = Buffer.concat([
    message('T', column),
    message('D', row),
    message('C', Buffer.from('SELECT 1\0')),
    ready,
  ])
  const server = createServer((socket) => {
    socket.once('data', () => {
      socket.write(welcome)
      socket.on('data', (data) => (data[0] === 'Q'.charCodeAt(0) ? socket.write(answer) : socket.end()))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close()
      await once(server, 'close')
    },
  }
}

function message(type: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body])
}

function int16(value: number): Buffer {
  const buffer = Buffer.alloc(2)
  buffer.writeInt16BE(value)
  return buffer
}

function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeInt32BE(value)
  return buffer
}
