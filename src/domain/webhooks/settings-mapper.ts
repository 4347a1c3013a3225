import { isDeepStrictEqual } from 'node:util'
import type { Caller } from '#domain/access/service.ts'
import type { SecretBox } from '#platform/secrets/secret-box.ts'
import { type StoredKey, verificationKey } from './signature.ts'
import type { WebhookRow } from './store/webhooks.ts'
import type { WebhookMaker, WebhookSettings } from './webhook.ts'
import type { WebhookInput } from './webhook-input.ts'

/** What is to be changed; what is left out stays, and null stands for what is usual. */
export type SettingsChanges = { readonly [Key in keyof WebhookInput]?: WebhookInput[Key] | null }

type SealedSettings = Omit<WebhookRow, 'version' | 'status' | 'statusReason' | 'createdBy' | 'maker'>

/** Between what somebody says of a webhook and what is stored of it. */
export function createSettingsMapper(secrets: SecretBox) {
  /** The settings as they are stored, what is secret of them sealed. */
  async function seal(
    { accountId, id }: { readonly accountId: string; readonly id: string },
    wanted: WebhookSettings,
    keys: readonly StoredKey[],
  ): Promise<SealedSettings> {
    const names = Object.keys(wanted.secretHeaders)
    return {
      ...wanted,
      accountId,
      id,
      document: wanted.document ?? null,
      ratePerSecond: wanted.ratePerSecond ?? null,
      secretHeaderNames: names,
      secretHeaders: names.length > 0 ? await secrets.seal(JSON.stringify(wanted.secretHeaders)) : null,
      ...(await sealKeys(keys)),
    }
  }

  async function sealKeys(keys: readonly StoredKey[]): Promise<Pick<WebhookRow, 'keys' | 'publicKey'>> {
    const present = keys.find(({ until }) => until === undefined)
    const publicKey = present?.method === 'ED25519' ? verificationKey(present) : null
    return { keys: await secrets.seal(JSON.stringify(keys)), publicKey }
  }

  /** The input that would create the webhook as it is after these changes. New headers replace all visible ones. */
  async function merge(row: WebhookRow, changes: SettingsChanges): Promise<WebhookInput> {
    const hidden = row.secretHeaders === null ? {} : JSON.parse(await secrets.open(row.secretHeaders))
    const { secretHeaders = {}, retry, ...rest } = withoutUndefined(changes)
    const before = inputOf(row)
    const next = {
      ...before,
      secretHeaders: secretHeaders === null ? {} : { ...hidden, ...secretHeaders },
      ...rest,
      ...(retry !== undefined && { retry: retry === null ? null : mergeRetry(before.retry ?? undefined, retry) }),
    }
    return Object.fromEntries(Object.entries(next).filter(([, value]) => value !== null)) as WebhookInput
  }

  return { seal, sealKeys, merge }
}

/** A plan by schedule has a list of waits, and no other has. */
function mergeRetry(before: WebhookInput['retry'], changes: NonNullable<WebhookInput['retry']>) {
  const { scheduleMs, ...next } = { ...before, ...withoutUndefined(changes) }
  const isScheduled = (next.backoff ?? 'SCHEDULE') === 'SCHEDULE'
  if (isScheduled && scheduleMs !== undefined && scheduleMs.length > 0) return { ...next, scheduleMs }
  return changes.scheduleMs === undefined ? next : { ...next, scheduleMs: changes.scheduleMs }
}

function withoutUndefined<Given extends object>(given: Given): Given {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Given
}

function inputOf(row: WebhookRow): { [Key in keyof WebhookInput]: WebhookInput[Key] | null } {
  const { name, url, events, filter, method, headers, format, document, redact, timeoutMs, order } = row
  const { concurrency, ratePerSecond, signing, retry } = row
  const { statusCodes, scheduleMs, ...plan } = retry
  return {
    name,
    url,
    events: [...events],
    filter,
    method,
    headers: { ...headers },
    format,
    document,
    redact: [...redact],
    timeoutMs,
    order,
    concurrency,
    ratePerSecond,
    signing,
    retry: {
      ...plan,
      ...(scheduleMs.length > 0 && { scheduleMs: [...scheduleMs] }),
      ...(statusCodes && { statusCodes: [...statusCodes] }),
    },
  }
}

/** Settings that say what is sent, and where. */
const contentSettings = [
  'url',
  'events',
  'filter',
  'format',
  'document',
  'redact',
  'headers',
  'secretHeaders',
] as const satisfies readonly (keyof WebhookInput)[]

/** Whether two settings of a webhook differ in what is sent, or where. */
export function differsInContent(before: WebhookInput, after: WebhookInput): boolean {
  return contentSettings.some((name) => !isDeepStrictEqual(before[name], after[name]))
}

/** The caller as a webhook's maker. */
export function makerOf({ actor, credential, scopes }: Caller): WebhookMaker {
  return { actor, credential, scopes }
}

/** The data of events about a webhook. */
export function summaryOf({ name, url, events, format }: Pick<WebhookRow, 'name' | 'url' | 'events' | 'format'>) {
  return { name, host: new URL(url).host, events, format }
}
