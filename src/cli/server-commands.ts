/** What the command line asks of the server's own program; handed in, since a client knows nothing of the server. */
export interface ServerCommands {
  /** Runs a server until it is asked to stop; resolves with the exit code. */
  serve(options: { readonly configFile: string | undefined; readonly invocation: string }): Promise<number>
  /** Brings the database up to date. */
  migrate(): Promise<MigrationReport>
  /** Seals stored secrets with the present key that an older one has sealed. */
  rotateSecrets(): Promise<SecretsReport>
  /** Repairs documents that are behind their newest version, or only finds them. */
  repairDocuments(request: { readonly dryRun: boolean; readonly keepCurrent: boolean }): Promise<RepairReport>
  /** Ends the owner's tokens of the named account, or of the only one, and makes a new one. */
  resetOwnerToken(request: { readonly account: string | undefined }): Promise<OwnerTokenReset>
  /** The accounts of the installation. An account is named by its id or its name. */
  readonly accounts: {
    /** Creates an account with the token of its owner and, with an e-mail address, a person who owns it. */
    create(request: AccountCreationRequest): Promise<AccountCreationReport>
    /** All of them, oldest first. */
    list(): Promise<readonly AccountReport[]>
    /** Suspends an account until it is resumed. */
    suspend(request: { readonly account: string; readonly reason: string | undefined }): Promise<AccountReport>
    resume(account: string): Promise<AccountReport>
    /** Deletes a suspended account for good, or with `dryRun` only counts what would be deleted. */
    delete(request: AccountDeletionRequest): Promise<AccountDeletionReport>
    /** Creates a token that manages accounts over the API. */
    issueToken(days: number): Promise<string>
  }
  /** Looks at the installation; each finding is bounded in time, and none changes anything. */
  doctor(options: { readonly configFile: string | undefined }): Promise<readonly Finding[]>
}

export interface OwnerTokenReset {
  readonly token: string
  /** The server's file of the earlier token, which has the new one now; undefined: there is no such file. */
  readonly file: string | undefined
}

export interface AccountReport {
  readonly id: string
  readonly name: string
  readonly createdAt: Date
  /** Null: it is active. */
  readonly suspendedAt: Date | null
  readonly suspensionReason: string | null
  /** When its deletion began; null: it is not being deleted. */
  readonly deletionAt: Date | null
}

interface AccountCreationRequest {
  readonly name: string
  readonly ownerEmail: string | undefined
}

interface AccountCreationReport {
  readonly account: AccountReport
  readonly ownerToken: string
  /** The person who owns it, with a generated password. */
  readonly owner: { readonly id: string; readonly email: string; readonly password: string } | undefined
}

export interface AccountDeletionRequest {
  readonly account: string
  /** The name of the account, typed again. */
  readonly confirm: string | undefined
  readonly dryRun: boolean
}

export interface AccountDeletionReport {
  readonly account: AccountReport
  readonly rows: readonly { readonly table: string; readonly count: number }[]
}

interface MigrationReport {
  /** Which one, for people. */
  readonly database: string
  /** Names of the migrations that were applied, oldest first. */
  readonly applied: readonly string[]
}

export interface SecretsReport {
  readonly places: readonly {
    /** In the plural, for people. */
    readonly name: string
    readonly renewed: number
    /** Of keys that are not here, or written meanwhile by a server whose present key is another. */
    readonly remaining: number
  }[]
  readonly remaining: number
}

export interface RepairReport {
  /** How many documents were looked at. */
  readonly examined: number
  /** Those that were behind their newest version, and are not any more unless it was a dry run. */
  readonly documents: readonly {
    readonly accountId: string
    readonly collection: string
    readonly key: string
    /** The version that it was at. */
    readonly version: number
    readonly newestVersion: number
    /** The version that it is at now. */
    readonly repairedVersion?: number
    readonly repairedWith?: 'NEWEST_VERSION' | 'CURRENT_DATA'
  }[]
}

/** What was found where somebody looked. */
export interface Finding {
  /** What was looked at. */
  readonly check: string
  readonly status: 'ok' | 'warning' | 'problem'
  readonly message: string
  /** What to do about it. */
  readonly advice?: string | undefined
}
