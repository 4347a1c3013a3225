import type { Command } from 'commander'
import { readDays } from '#cli/options.ts'
import type { AccountReport } from '#cli/server-commands.ts'
import { examples, jsonOption, type Session } from '#cli/session.ts'
import { moment, printable } from '#cli/text.ts'

interface JsonOption {
  readonly json?: boolean
}

/** The accounts of an installation, for its operator: on the machine, with the database rather than the API. */
export function addAccountCommand(parent: Command, session: Session): void {
  const account = parent
    .command('account')
    .summary('create, list, suspend and delete accounts, on the server’s machine')
    .description(
      'Manages the accounts of an installation. Each has its own people, tokens, tasks and data; nothing crosses accounts. ' +
        'Works on the database, with the settings of the server (DATABASE_URL, or DATA_DIR); servers may run meanwhile.',
    )
  addCreate(account, session)
  addList(account, session)
  addSuspend(account, session)
  addResume(account, session)
  addDelete(account, session)
  addToken(account, session)
}

interface CreateOptions extends JsonOption {
  readonly owner?: string
}

function addCreate(parent: Command, { server, output, invocation }: Session): void {
  parent
    .command('create <name>')
    .summary('create an account with the token of its owner')
    .description(
      'Creates an account. Standard output has the token of its owner and nothing else; it is shown once. With --owner a ' +
        'person owns the account too, who signs in with the generated password on the second line, and changes it with ' +
        '`user password`.',
    )
    .option('--owner <email>', 'e-mail address of a person who owns the account')
    .addOption(jsonOption())
    .addHelpText('after', () =>
      examples(
        `${invocation} account create research > owner-token`,
        `${invocation} account create research --owner ada@example.com`,
      ),
    )
    .action(async (name: string, { json = false, owner: ownerEmail }: CreateOptions) => {
      const { account, ownerToken, owner } = await server.accounts.create({ name, ownerEmail })
      if (json) return output.document({ account, ownerToken, ...(owner && { owner }) })
      output.remark(
        `Account ${account.id} was created: ${printable(account.name)}. The token of its owner, shown only once:`,
      )
      output.line(ownerToken)
      if (owner === undefined) return
      output.remark(`The first password of ${printable(owner.email)}, shown only once:`)
      output.line(owner.password)
    })
}

function addList(parent: Command, { server, output, invocation }: Session): void {
  parent
    .command('list')
    .alias('ls')
    .summary('the accounts, oldest first')
    .description('Lists the accounts of the installation, oldest first.')
    .addOption(jsonOption())
    .addHelpText('after', () => examples(`${invocation} account list`))
    .action(async ({ json = false }: JsonOption) => {
      const accounts = await server.accounts.list()
      if (json) return output.document(accounts)
      output.table(accounts, [
        { title: 'ID', text: ({ id }) => id },
        { title: 'NAME', text: ({ name }) => printable(name), flexible: true },
        { title: 'STATUS', text: statusOf },
        { title: 'CREATED', text: ({ createdAt }) => moment(createdAt.toISOString()) },
        { title: 'REASON', text: ({ suspensionReason }) => printable(suspensionReason ?? ''), flexible: true },
      ])
    })
}

function addSuspend(parent: Command, { server, output, invocation }: Session): void {
  parent
    .command('suspend <account>')
    .summary('suspend an account until it is resumed')
    .description(
      'Suspends an account, named by its id or name: its tokens and sessions are refused, its streams end, its tasks ' +
        'wait, and its webhooks and hooks stop. Tasks that run may finish; nothing is deleted.',
    )
    .option('--reason <text>', 'the reason, for its audit log')
    .addOption(jsonOption())
    .addHelpText('after', () => examples(`${invocation} account suspend research --reason 'unpaid'`))
    .action(async (called: string, { json = false, reason }: JsonOption & { readonly reason?: string }) => {
      const account = await server.accounts.suspend({ account: called, reason })
      if (json) return output.document(account)
      output.line(`Account ${account.id} was suspended: ${printable(account.name)}.`)
    })
}

function addResume(parent: Command, { server, output, invocation }: Session): void {
  parent
    .command('resume <account>')
    .summary('end the suspension of an account')
    .description(
      'Ends the suspension of an account, named by its id or name. Its tokens work again, and its tasks continue.',
    )
    .addOption(jsonOption())
    .addHelpText('after', () => examples(`${invocation} account resume research`))
    .action(async (called: string, { json = false }: JsonOption) => {
      const account = await server.accounts.resume(called)
      if (json) return output.document(account)
      output.line(`Account ${account.id} is active again: ${printable(account.name)}.`)
    })
}

interface DeleteOptions extends JsonOption {
  readonly confirm?: string
  readonly dryRun?: boolean
}

function addDelete(parent: Command, { server, output, invocation }: Session): void {
  parent
    .command('delete <account>')
    .summary('delete a suspended account with everything that it holds, for good')
    .description(
      'Deletes an account, named by its id or name, with its people, tokens, tasks, data, webhooks and audit log. It must ' +
        'have been suspended for half a minute, and none of its tasks may run. If it is interrupted, run it again. The ' +
        'audit log of the first account says who did it.',
    )
    .option('--confirm <name>', 'the name of the account, as a confirmation')
    .option('--dry-run', 'count what would be deleted, and change nothing')
    .addOption(jsonOption())
    .addHelpText('after', () => examples(`${invocation} account delete research --confirm research`))
    .action(async (account: string, { json = false, dryRun = false, confirm }: DeleteOptions) => {
      const report = await server.accounts.delete({ account, confirm, dryRun })
      if (json) return output.document(report)
      output.table(report.rows, [
        { title: 'TABLE', text: ({ table }) => table },
        { title: 'ROWS', text: ({ count }) => String(count) },
      ])
      const what = dryRun ? 'would be deleted' : 'was deleted'
      output.line(`Account ${report.account.id} ${what}: ${printable(report.account.name)}.`)
    })
}

function addToken(parent: Command, { server, output, invocation }: Session): void {
  parent
    .command('token')
    .summary('create a token that manages accounts over the API')
    .description(
      'Creates a token with the scope installation:admin, which manages accounts over GraphQL and can do nothing else. ' +
        'Standard output has the token and nothing else; it is shown once.',
    )
    .option('--expires-in <days>', 'after how long it expires, such as 90d', readDays, 30)
    .addHelpText('after', () => examples(`TOKEN=$(${invocation} account token --expires-in 90d)`))
    .action(async ({ expiresIn }: { readonly expiresIn: number }) => {
      output.line(await server.accounts.issueToken(expiresIn))
    })
}

function statusOf({ suspendedAt, deletionAt }: AccountReport): string {
  if (deletionAt !== null) return 'DELETING'
  return suspendedAt === null ? 'ACTIVE' : 'SUSPENDED'
}
