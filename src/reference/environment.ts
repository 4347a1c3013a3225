import type { environment } from '#src/config.ts'

type Variable = keyof typeof environment.shape

/** What each variable means, by subject: the source of the table in the documentation and of `.env.example`. */
export const environmentGroups: readonly {
  readonly title: string
  readonly variables: { readonly [Name in Variable]?: string }
}[] = [
  {
    title: 'Network',
    variables: {
      PORT: 'Port to listen on; `0` takes any free port.',
      HOST: 'Address to listen on; `0.0.0.0` or `::` accepts connections from other machines.',
      PUBLIC_URL:
        'Address at which clients reach this server, if it differs from where it listens. A path in it becomes part of all links.',
      INSTANCE_NAME: 'What the console calls this installation, such as `production`; at most 40 characters.',
      INSTANCE_COLOR: 'Color of the name in the console, such as `#b3261e`, to tell installations apart.',
      TRUSTED_PROXIES:
        'Addresses and networks of reverse proxies, separated by commas. Only these are trusted to name the client’s address, in `X-Forwarded-For` or, without that, in `Forwarded` (ports, brackets and quotes are fine). A proxy that writes `Forwarded` must remove a client’s `X-Forwarded-For`.',
      CORS_ORIGINS:
        'Origins whose pages may call the API from a browser, such as `https://app.example.com`, separated by commas. Unset: none. These pages may send any header.',
      EGRESS_ALLOW:
        'Private networks that outbound requests (`repository.inspect`, `http.request`, webhooks, Salesforce) may reach, such as `10.0.0.0/8,fd00::/8`. For receivers with a certificate of your own CA, set Node’s `NODE_EXTRA_CA_CERTS=/path/ca.pem`.',
      NODE_ENV: '`production`: no GraphiQL page at `/graphql`, and webhooks and the OIDC provider need `https:` URLs.',
    },
  },
  {
    title: 'Database and files',
    variables: {
      DATABASE_URL:
        'PostgreSQL 15 or newer, as `postgresql://user:password@host:5432/name`. Unset: the embedded PostgreSQL. Several processes may share one database. Its time zone does not matter: connections use UTC.',
      DATABASE_POOL:
        'Maximum connections of this process. Each process opens a few more: one for notifications, half as many for queries over many documents, and one while an index is built.',
      DATA_DIR: 'Directory of the embedded database, its password, the secret key and the files of running tasks.',
      SIGNALBOX_CONFIG:
        'File with commands, task types, hooks, trust rules and `roots`, the directories below which `repository.inspect` may read local repositories (unset: the working directory, unless that is `/`). Unset: `signalbox.config.ts`, `.js` or `.mjs` in the working directory, if there is one. `serve --config` takes precedence.',
    },
  },
  {
    title: 'Secrets and sign-in',
    variables: {
      SECRET_KEY:
        'Key that encrypts stored secrets: 32 bytes in base64, the same for all processes. Unset: a key is created in `DATA_DIR`.',
      SECRET_KEY_PREVIOUS: 'Former keys, separated by commas, while the key is being rotated.',
      BOOTSTRAP_TOKEN:
        'The owner’s token on an empty database, 32 to 128 characters. Unset: one is created and shown once.',
      OIDC_ISSUER: 'OpenID provider at which people sign in. Needs `OIDC_CLIENT_ID`.',
      OIDC_CLIENT_ID:
        'Client id of this installation at the provider. The redirect address is `<PUBLIC_URL>/api/auth/callback`.',
      OIDC_CLIENT_SECRET: 'Client secret; unset for a public client.',
      OIDC_ALLOWED_DOMAINS:
        'Domains of verified e-mail addresses whose people are added when they first sign in, separated by commas. People who were removed are not added again.',
      OIDC_ACCESS_TOKEN_AUDIENCE:
        'Audience for which access tokens of the provider are accepted as API tokens. Unset: none are accepted.',
    },
  },
  {
    title: 'Processes and workers',
    variables: {
      ROLES:
        'What this process does: `api` answers requests, `worker` runs tasks. Without `api`, it answers only health and metrics.',
      PART_BYTES:
        'How many bytes a part of a result may have, from 64 MiB to 1 GiB. What a task writes beyond that is cut.',
      WORKER_SLOTS: 'How many tasks this process runs at once.',
      WARM_TASK_PROCESSES:
        'How many processes for tasks are started before a task needs one, so that it begins in milliseconds; each takes about 65 MB of memory while it waits, 25 MB of it not shared, and runs one task. `0`: none.',
      BATCH_WINDOW:
        'When BATCH tasks may start, such as `22:00-06:00 Europe/Berlin`: a time of day, another one, and a time zone. By default at any time.',
      CRITICAL_SLOTS: 'How many of these slots are reserved for CRITICAL tasks; less than `WORKER_SLOTS`.',
      TASK_USER:
        'Name or number of the user that tasks run as if the server runs as root. Unset: each task as a user of its own. `root`: as the server.',
      WORKER_LEASE_MS:
        'How long, in milliseconds, a process may be without the database before it stops its tasks. The others take them over two seconds later, or as soon as they see that the process has ended. The same for all processes.',
      WEBHOOK_SLOTS: 'How many webhook requests this process makes at once.',
      WEBHOOK_DISABLE_AFTER:
        'Consecutive failed attempts after which a webhook is disabled; 0: never. `webhook.failing` events report 50, 70, 90 and 100 % of this number.',
      SHUTDOWN_TIMEOUT_MS: 'How long, in milliseconds, running tasks may continue during a shutdown.',
      WATCHDOG_TIMEOUT_MS:
        'How long, in milliseconds, the event loop may be blocked before the process kills itself (exit code 137), so that a supervisor can restart it; 0: forever.',
    },
  },
  {
    title: 'Salesforce',
    variables: {
      SALESFORCE_API_VERSION:
        'Newest API version to use with Salesforce orgs; an older org is called with its own newest.',
      SALESFORCE_REFRESH_DAYS:
        'After how many days without use the authorization of an org is used all the same, so that Salesforce does not end it.',
      SALESFORCE_HOSTS:
        'Hosts that get credentials of Salesforce orgs beside Salesforce’s own, such as `sfdc.example.com` or `*.example.com` for all below, separated by commas.',
    },
  },
  {
    title: 'Retention',
    variables: {
      JOURNAL_RETENTION_DAYS: 'How long events are kept and cursors work.',
      RESULT_RETENTION_DAYS:
        'How long results and parts are kept after a task has ended; at most `TASK_RETENTION_DAYS`.',
      TASK_RETENTION_DAYS: 'How long tasks are kept after they have ended.',
      AUDIT_RETENTION_DAYS: 'How long the audit log is kept, up to 36500 days. What remains stays verifiable.',
      ENTRY_HISTORY:
        'How many versions of each entry are kept, the current one included. Versions of a deleted entry are kept as long as the journal.',
      DELIVERY_RETENTION_DAYS:
        'How long webhook deliveries are kept with their attempts; longer while they wait for an active webhook.',
    },
  },
  {
    title: 'Quotas of each account',
    variables: {
      QUOTA_WAITING_TASKS:
        'Tasks of one account that may wait; 0: no limit (so for all quotas). The column `quotas` of an account’s row overrides these values, such as `{"waitingTasks": 50}`.',
      QUOTA_RUNNING_TASKS: 'Tasks of one account that may run at once; others wait.',
      QUOTA_STORED_BYTES:
        'Bytes that one account may store: inputs, labels, results, parts and logs of tasks, all versions of documents and entries, and its events.',
      QUOTA_APPLICATION_TOKENS: 'Valid application tokens of one account.',
      QUOTA_WEBHOOKS: 'Webhooks of one account.',
    },
  },
  {
    title: 'Rate limits',
    variables: {
      RATE_LIMIT_TOKEN: 'Requests per minute of each application token; 0: no limit (so for all rate limits).',
      RATE_LIMIT_USER: 'Requests per minute of each person, over all their sessions.',
      RATE_LIMIT_ADDRESS:
        'Requests per minute without a valid token from each address; an IPv6 /64 network counts as one address.',
      COST_LIMIT_TOKEN:
        'Cost per minute of each application token’s operations: each object of a response costs 1, each change 10, each item of a list in the input 1.',
      COST_LIMIT_USER: 'Cost per minute of each person.',
      COST_LIMIT_ADDRESS: 'Cost per minute of each address.',
    },
  },
  {
    title: 'Limits of a request',
    variables: {
      QUERY_COST_LIMIT: 'Maximum cost of one operation; 0: no limit.',
      QUERY_DEPTH_LIMIT: 'How deep fields may be nested.',
      QUERY_TOKEN_LIMIT: 'Tokens (names, values, punctuation) in the text of a query.',
      QUERY_FIELD_LIMIT: 'Fields of a query; fragments count wherever they are spread.',
      QUERY_FRAGMENT_LIMIT: 'Fragment definitions of a query.',
      QUERY_ALIAS_LIMIT: 'Aliases of a query; fragments count wherever they are spread.',
      QUERY_REPEAT_LIMIT: 'How often a field may be repeated in one selection.',
      QUERY_DIRECTIVE_LIMIT: 'Directives of a query.',
      BODY_LIMIT_BYTES: 'Largest body of a GraphQL request.',
      ANONYMOUS_BODY_BYTES:
        'Bytes of request bodies that each process holds at once for callers it has not identified yet, such as senders of hooks. One address may use a quarter. A request beyond that gets 429 or 503, and one that takes longer than 5 s, plus a second for each MiB, gets 408.',
      PERSISTED_OPERATIONS:
        'Directory of `.graphql` files, or a JSON file of texts by their SHA-256. If set, only these operations are answered, by text or hash.',
    },
  },
  {
    title: 'Open at once, per caller and process',
    variables: {
      SUBSCRIPTION_LIMIT: 'Subscriptions; 0: no limit (so for all five).',
      SOCKET_LIMIT: 'WebSocket connections.',
      OPERATION_LIMIT: 'Queries, mutations and REST requests in progress.',
      HELD_BYTES_LIMIT: 'Bytes of all requests in progress together.',
      LOCK_WAIT_LIMIT: 'Requests that wait for locks.',
    },
  },
  {
    title: 'Logging',
    variables: {
      LOG_LEVEL: '`trace`, `debug`, `info`, `warn`, `error` or `silent`.',
      LOG_FORMAT:
        '`json` or `pretty`. Unset: pretty on a terminal, otherwise JSON on standard output with the startup lines on standard error.',
    },
  },
]
