import type { ServerCommands } from '#cli/server-commands.ts'

/**
 * The functions of the server's program that the command line uses, except to serve. Each runs in the directory that the
 * settings' relative paths start from, after `enter` has changed to it, and loads what it needs.
 */
export function createOperatorCommands(enter: () => void): Omit<ServerCommands, 'serve'> {
  const inPlace =
    <Args extends readonly unknown[], Result>(call: (...args: Args) => Promise<Result>) =>
    (...args: Args): Promise<Result> => {
      enter()
      return call(...args)
    }
  return {
    migrate: inPlace(async () => (await import('./migrate.ts')).migrateDatabase()),
    rotateSecrets: inPlace(async () => (await import('./rotate-secrets.ts')).rotateSecrets()),
    repairDocuments: inPlace(async (request) => (await import('./repair-documents.ts')).repairDocuments(request)),
    resetOwnerToken: inPlace(async (request) => (await import('./reset-owner-token.ts')).resetOwnerToken(request)),
    accounts: {
      create: inPlace(async (account) => (await import('./accounts.ts')).createAccount(account)),
      list: inPlace(async () => (await import('./accounts.ts')).listAccounts()),
      suspend: inPlace(async (request) => (await import('./accounts.ts')).suspendAccount(request)),
      delete: inPlace(async (request) => (await import('./accounts.ts')).deleteAccount(request)),
      issueToken: inPlace(async (days) => (await import('./accounts.ts')).createInstallationToken(days)),
      resume: inPlace(async (account) => (await import('./accounts.ts')).resumeAccount(account)),
    },
    doctor: inPlace(async (options) => (await import('./doctor.ts')).examine(options)),
  }
}
