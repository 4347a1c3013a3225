import { type Command, InvalidArgumentError } from 'commander'
import { exitCodes } from '#cli/exit-codes.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import { printable } from '#cli/text.ts'
import { AuditVerificationDocument, type AuditVerificationQuery } from '#client/index.ts'

interface VerifyOptions {
  readonly noted?: { seq: number; hash: string }
}

type Stretch = AuditVerificationQuery['auditVerification']

export function addAuditVerifyCommand(parent: Command, session: Session): void {
  const command = parent
    .command('verify')
    .summary('whether the log is what was written')
    .description(
      'Checks the whole audit log: that each entry has its hash and follows the one before, and that this installation has ' +
        'sealed the end. Says what was changed, removed or inserted; the exit code is 1 then.',
    )
    .option('--noted <seq:hash>', 'where the log ended when it was last verified: it must still hold that', readEnd)
    .addHelpText('after', () => examples(`${session.invocation} audit verify --noted 1204:9f86d081884c7d65…`))
  session.api(command, verify)
}

function readEnd(text: string): { seq: number; hash: string } {
  const [, seq, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? []
  if (seq === undefined || hash === undefined)
    throw new InvalidArgumentError('It must be what a verification ended with: <number>:<64 hexadecimal digits>.')
  return { seq: Number(seq), hash }
}

async function verify({ client, output, json }: Api, { noted }: VerifyOptions): Promise<number> {
  const faults: Stretch['faults'] = []
  let [checked, faultCount] = [0, 0]
  let stretch: Stretch | undefined
  do {
    const variables = { after: stretch?.cursor, noted }
    stretch = (await client.request(AuditVerificationDocument, variables)).auditVerification
    checked += stretch.checked
    faultCount += stretch.faultCount
    faults.push(...stretch.faults)
  } while (stretch.cursor !== null)
  const { end, prunedSeq } = stretch
  if (json) output.document({ checked, faultCount, faults, end, prunedSeq })
  else {
    for (const { kind, message } of faults)
      output.line(`${output.styled('red', kind.padEnd(8))}  ${printable(message)}`)
    if (faultCount > faults.length) output.line(`… and ${faultCount - faults.length} more`)
    output.line(verdict(checked, faultCount, prunedSeq))
    output.line(`It ends with ${end.seq}:${end.hash}`)
  }
  return faultCount > 0 ? exitCodes.failed : exitCodes.ok
}

function verdict(checked: number, faultCount: number, prunedSeq: number): string {
  const looked = `${checked} ${checked === 1 ? 'entry was' : 'entries were'} checked`
  const pruned = prunedSeq > 0 ? `, behind ${prunedSeq} that were dropped for their age` : ''
  return faultCount === 0
    ? `The log is intact: ${looked}${pruned}.`
    : `The log is NOT what was written: ${faultCount} ${faultCount === 1 ? 'fault' : 'faults'}; ${looked}${pruned}.`
}
