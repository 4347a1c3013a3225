import type { Command } from 'commander'
import { CommandFailure } from '#cli/exit-codes.ts'
import { readStandardInput, readText } from '#cli/input.ts'
import { readCount } from '#cli/options.ts'
import { SecretInput } from '#cli/secret-input.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import { moment, printable } from '#cli/text.ts'
import { DeleteSecretDocument, PutSecretDocument, payloadOf, SecretsDocument } from '#client/index.ts'

/** Everything about the secrets that tasks use. */
export function addSecretCommand(parent: Command, session: Session): void {
  const secret = parent
    .command('secret')
    .summary('set the secrets that tasks use')
    .description('Sets, lists and removes the secrets that tasks use.')
  addListCommand(secret, session)
  addSetCommand(secret, session)
  addRemoveCommand(secret, session)
}

function addListCommand(parent: Command, session: Session): void {
  const command = parent
    .command('list')
    .alias('ls')
    .summary('the names of all secrets')
    .description('Lists the secrets by name. Nothing shows their values.')
    .option('--first <count>', 'how many, at most 200', readCount, 50)
    .option('--after <cursor>', 'continue after this cursor')
  session.api(command, list)
}

async function list({ client, output, json }: Api, options: { first: number; after?: string }): Promise<void> {
  const { secrets } = await client.request(SecretsDocument, options)
  if (json) return output.document(secrets)
  if (secrets.nodes.length === 0) return output.remark('No secrets.')
  output.table(secrets.nodes, [
    { title: 'NAME', text: ({ name }) => name },
    { title: 'SET', text: ({ updatedAt }) => moment(updatedAt) },
    { title: 'BY', text: ({ updatedBy }) => printable(updatedBy.name), flexible: true },
    { title: 'LAST USED', text: ({ lastUsedAt }) => (lastUsedAt ? moment(lastUsedAt) : 'never') },
  ])
  const { pageInfo } = secrets
  if (pageInfo.hasNextPage) output.remark(`There are more: add --after ${pageInfo.endCursor}`)
}

function addSetCommand(parent: Command, session: Session): void {
  const command = parent
    .command('set <name>')
    .summary('create a secret, or replace its value')
    .description(
      'Creates a secret or replaces its value: typed without being shown, or all of the standard input where there is ' +
        'no terminal. A line end behind a single line is not part of it. A value is never an argument, which other ' +
        'users of the machine could see.',
    )
    .option('--file <path>', 'the value is the content of this file')
    .addHelpText('after', () =>
      examples(
        `${session.invocation} secret set NPM_TOKEN`,
        `printenv NPM_TOKEN | ${session.invocation} secret set NPM_TOKEN`,
        `${session.invocation} secret set DEPLOY_KEY --file id_ed25519`,
      ),
    )
  session.api(command, set)
}

async function set({ client, output, json }: Api, { file }: { file?: string }, name: string): Promise<void> {
  const input = { name, value: await readValue(name, file) }
  const { secret, isNew } = payloadOf((await client.request(PutSecretDocument, { input })).putSecret)
  if (json) return output.document({ ...secret, isNew })
  output.remark(`The secret ${secret.name} ${isNew ? 'was created' : 'has a new value'}.`)
}

async function readValue(name: string, file: string | undefined): Promise<string> {
  const typed = new SecretInput()
  if (file === undefined && typed.isTyped) return typed.ask(`The value of ${printable(name)}`)
  const text = file === undefined ? await readStandardInput() : await readText(file)
  // Keys of several lines have to end with a line end; `echo` adds one to everything.
  const value = /^[^\n]*\n$/.test(text) ? text.replace(/\r?\n$/, '') : text
  if (value === '') throw new CommandFailure(`The value of ${printable(name)} is empty.`)
  return value
}

function addRemoveCommand(parent: Command, session: Session): void {
  const command = parent
    .command('remove <name>')
    .alias('rm')
    .summary('delete a secret')
    .description('Deletes a secret: attempts that need it fail from then on.')
  session.api(command, async ({ client, output, json }, _options: object, name: string) => {
    const { secret } = payloadOf((await client.request(DeleteSecretDocument, { input: { name } })).deleteSecret)
    if (json) return output.document(secret)
    output.remark(`The secret ${secret.name} was deleted.`)
  })
}
