import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Command, InvalidArgumentError } from 'commander'
import { CommandFailure, exitCodes } from '#cli/exit-codes.ts'
import { interruption } from '#cli/interrupt.ts'
import { collect } from '#cli/options.ts'
import type { Output } from '#cli/output.ts'
import { examples, jsonOption, type Session } from '#cli/session.ts'
import { moment, printable } from '#cli/text.ts'
import { SignalboxError, verifyWebhook } from '#client/index.ts'
import { isNestedBeyond, maxRequestDepth } from '#lib/json-depth.ts'

interface ListenOptions {
  readonly port: number
  readonly host: string
  readonly secret?: readonly string[]
  readonly status: number
  readonly json?: boolean
}

/** The largest body that is taken, in bytes. */
const maxBodyBytes = 4 * 1024 * 1024
/** How much of a body people are shown, in bytes. */
const maxShownLength = 64 * 1024

export function addWebhookListenCommand(parent: Command, session: Session): void {
  parent
    .command('listen')
    .summary('receive deliveries on this machine')
    .description(
      'Starts a receiver that prints what arrives, and verifies it if --secret is given, until Ctrl-C. ' +
        'The server has to be allowed to reach it: start that one with EGRESS_ALLOW=127.0.0.0/8.',
    )
    .option('--port <port>', 'where it listens; 0 takes any free port', readPort, 4010)
    .option('--host <address>', 'the address that it listens at', '127.0.0.1')
    .option('--secret <secret>', 'what to verify with (whsec_… or whpk_…); may be repeated', collect)
    .option('--answer <status>', 'the status that it answers with', readStatus, 204)
    .addOption(jsonOption())
    .addHelpText('after', () =>
      examples(
        `${session.invocation} webhook listen --secret "$SECRET"`,
        `${session.invocation} webhook create here http://127.0.0.1:4010/ --events 'task.*'`,
      ),
    )
    .action(async (options: Omit<ListenOptions, 'status'> & { answer: number }) => {
      session.exitCode = await listen(session.output, { ...options, status: options.answer })
    })
}

async function listen(output: Output, options: ListenOptions): Promise<number> {
  using interrupted = interruption()
  const server = createServer((req, res) => {
    receive(output, options, req, res).catch((error: unknown) => {
      output.remark(`A request was not taken: ${printable(error instanceof Error ? error.message : String(error))}`)
      if (!res.headersSent) res.writeHead(400)
      res.end()
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(notListening(options, error)))
    server.listen(options.port, options.host, resolve)
  })
  const { address, port } = server.address() as AddressInfo
  output.remark(`Listening at http://${address.includes(':') ? `[${address}]` : address}:${port}/`)
  try {
    await new Promise<void>((resolve) => interrupted.signal.addEventListener('abort', () => resolve()))
  } finally {
    server.closeAllConnections()
    server.close()
  }
  throw interrupted.signal.reason
}

function notListening({ host, port }: ListenOptions, error: NodeJS.ErrnoException): CommandFailure {
  const reason =
    error.code === 'EADDRINUSE' ? 'another program does. Choose another --port, or 0 for any' : error.message
  return new CommandFailure(`${host}:${port} can't be listened at: ${reason}.`, exitCodes.failed, { cause: error })
}

async function receive(
  output: Output,
  { secret, status, json }: ListenOptions,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const body = await readBody(req)
  if (body === undefined) {
    res.writeHead(413, { connection: 'close' }).end()
    return output.remark(`A request with more than ${maxBodyBytes} bytes was not taken.`)
  }
  const verdict = secret === undefined ? 'not verified' : verdictOf(req, body, secret)
  const isGenuine = secret === undefined || verdict === 'genuine'
  res.writeHead(isGenuine ? status : 401).end()
  const id = String(req.headers['webhook-id'] ?? '')
  if (json)
    return output.record({ at: new Date().toISOString(), id, verdict, headers: req.headers, body: parsed(body) })
  const style = verdict === 'genuine' ? 'green' : secret === undefined ? 'dim' : 'red'
  const head = `${moment(new Date().toISOString())}  ${req.method} ${printable(req.url ?? '/')}  ${printable(id)}`
  output.line(`${output.styled('dim', head)}  ${output.styled(style, verdict)}`)
  if (body.length <= maxShownLength) return output.line(printableLines(output.value(parsed(body))))
  output.line(printableLines(body.toString('utf8', 0, maxShownLength)))
  output.remark(`… and ${body.length - maxShownLength} bytes more, which --json has.`)
}

/** The whole body; undefined when it is too large. */
async function readBody(req: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  // The request can still be answered when this ends early.
  for await (const chunk of req.iterator({ destroyOnReturn: false })) {
    size += chunk.length
    if (size > maxBodyBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function verdictOf(req: IncomingMessage, body: Buffer, secret: readonly string[]): string {
  try {
    verifyWebhook(req.headers, body, { secret })
    return 'genuine'
  } catch (error) {
    if (error instanceof SignalboxError) return error.message
    throw error
  }
}

/** JSON as it is meant, anything else as text. */
function parsed(body: Buffer): unknown {
  const text = body.toString('utf8')
  try {
    const value: unknown = JSON.parse(text)
    return isNestedBeyond(value, maxRequestDepth) ? text : value
  } catch {
    return text
  }
}

function printableLines(text: string): string {
  return text
    .split('\n')
    .map((line) => (line.includes('\u001b') ? line : printable(line)))
    .join('\n')
}

function readPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (!(port <= 65_535)) throw new InvalidArgumentError('It must be a port, 0 to 65535.')
  return port
}

function readStatus(text: string): number {
  if (!/^[2-5]\d\d$/.test(text)) throw new InvalidArgumentError('It must be a status, 200 to 599.')
  return Number(text)
}
