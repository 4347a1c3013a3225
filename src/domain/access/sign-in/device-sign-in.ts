import { z } from 'zod'
import type { Caller, RequestOrigin } from '#domain/access/caller.ts'
import { byStranger, deviceEvent } from '#domain/access/events.ts'
import { isNarrowed, mustNotBeNarrowed } from '#domain/access/people/authority.ts'
import { grantsOf, scopesOfRole } from '#domain/access/scope.ts'
import { held, missingOf, parseScopes } from '#domain/access/scope-request.ts'
import { hashToken } from '#domain/access/tokens/token.ts'
import { addressBlock } from '#lib/address.ts'
import type { Clock } from '#lib/clock.ts'
import { invalidInput } from '#lib/errors.ts'
import { newId } from '#lib/ids.ts'
import { isStorable } from '#lib/json.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { DeviceRow } from './device.ts'
import { newDeviceCode, newUserCode, normalUserCode } from './device-code.ts'
import {
  type AskingDevice,
  decideDevice,
  deleteDevice,
  findDevice,
  insertDevice,
  lockAskingDevice,
  lockUndecidedDevice,
  type NewDevice,
  noteAsked,
} from './device-store.ts'
import {
  AuthorizationPending,
  DeviceCodeExpired,
  DeviceDenied,
  DeviceNotFound,
  PersonNeeded,
  SlowDown,
  TooManyAttempts,
} from './errors.ts'
import { findOldestAccount, findPersonById } from './identity-store.ts'
import type { OpenSession, Sessions, SignedIn } from './sessions.ts'
import type { DeviceThrottle } from './throttle.ts'

export interface DeviceSignInDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly sessions: Sessions
  readonly throttle: DeviceThrottle
  readonly clock: Clock
  /** Where this installation is reached; undefined: where the device has reached it. */
  readonly publicUrl: string | undefined
}

/** What a device asks for. */
export interface DeviceRequest {
  readonly clientName: string
  /** Everything that the person may, when undefined. */
  readonly scopes?: readonly string[] | undefined
}

/** What a device shows, and what it asks with meanwhile. */
export interface BegunDevice {
  readonly deviceCode: string
  readonly userCode: string
  /** A path of this server where its address is not configured. */
  readonly verificationUri: string
  readonly expiresAt: Date
  readonly intervalMs: number
}

const lifetimeMs = 10 * 60 * 1000
const intervalMs = 3_000
/** What a device has to wait longer each time that it asks too soon (RFC 8628 §3.5). */
const slowDownMs = 5_000
/** How many devices wait at once; beyond it the oldest of the most crowded network gives way. */
const maxWaiting = 1_000
/** A code of 34 random bits that another device has. */
const takenRetryMs = 1_000
const maxDeviceCodeLength = 100

const clientNameForm = z
  .string()
  .trim()
  .min(1, 'must not be empty')
  .max(100, 'must have at most 100 characters')
  .refine(isStorable, 'must be text')

/** Signing in devices that have no browser of their own, such as a command line, by a person elsewhere (RFC 8628). */
export function createDeviceSignIn({ sql, transact, sessions, throttle, clock, publicUrl }: DeviceSignInDeps) {
  /** Begins to wait for a person. @throws {InvalidInput} @throws {TooManyAttempts} */
  async function begin({ clientName, scopes }: DeviceRequest, request: RequestOrigin): Promise<BegunDevice> {
    const facts = { clientName: validName(clientName), scopes: scopes === undefined ? [] : parseScopes(scopes) }
    await throttle.begin(addressBlock(request.address))
    const [deviceCode, userCode] = [newDeviceCode(), newUserCode()]
    const expiresAt = new Date(clock.now().getTime() + lifetimeMs)
    const { address, userAgent } = request
    const hashes = { deviceHash: hashToken(deviceCode), userHash: hashToken(userCode) }
    const device = { id: newId(), ...hashes, ...facts, address, userAgent, expiresAt, intervalMs }
    await transact((tx) => insertAsking(tx, device, request))
    return { deviceCode, userCode, verificationUri: `${publicUrl ?? ''}/device`, expiresAt, intervalMs }
  }

  /** No account is asked for yet, so the first one, whose owner runs this, has it in its audit log. */
  async function insertAsking(tx: Transaction, device: NewDevice, request: RequestOrigin): Promise<void> {
    if (!(await insertDevice(tx, device, maxWaiting))) throw new TooManyAttempts(takenRetryMs)
    const accountId = await findOldestAccount(tx)
    if (accountId === undefined) return tx.quiet('an installation without accounts')
    const { id, clientName: client, address, scopes } = device
    tx.journal(
      deviceEvent('auth.device_requested', { accountId, id }, byStranger(request), { client, address, scopes }),
    )
  }

  /** What asks with this code; undefined when nothing does. @throws {PersonNeeded} @throws {TooManyAttempts} */
  async function find(caller: Caller, userCode: string): Promise<DeviceRow | undefined> {
    return guessed(caller, userCode, (hash) => findDevice(sql, hash))
  }

  /**
   * Lets the device be the caller, with what it asks for. @throws {PersonNeeded} @throws {DeviceNotFound}
   * @throws {TooManyAttempts} @throws {ScopeNotHeld} when it asks for more than the caller may
   */
  async function approve(caller: Caller, userCode: string): Promise<DeviceRow> {
    return decide(caller, userCode, 'APPROVED')
  }

  /** Sends the device away. @throws {PersonNeeded} @throws {DeviceNotFound} @throws {TooManyAttempts} */
  async function deny(caller: Caller, userCode: string): Promise<DeviceRow> {
    return decide(caller, userCode, 'DENIED')
  }

  async function decide(caller: Caller, userCode: string, decision: 'APPROVED' | 'DENIED'): Promise<DeviceRow> {
    const decided = await guessed(caller, userCode, (hash) =>
      transact(async (tx) => {
        const device = await lockUndecidedDevice(tx, hash)
        if (device === undefined) return undefined
        const { accountId, actor } = caller
        const scopes = decision === 'DENIED' ? device.scopes : given(caller, device)
        await decideDevice(tx, device.id, decision, { accountId, userId: actor.id, scopes })
        const { id, clientName: client, address } = device
        const type = decision === 'APPROVED' ? 'auth.device_approved' : 'auth.device_denied'
        tx.journal(deviceEvent(type, { accountId, id }, caller.by(), { client, address, scopes }))
        return device
      }),
    )
    if (decided === undefined) throw new DeviceNotFound()
    return decided
  }

  /** What is found by a code that somebody typed; wrong ones are counted. */
  async function guessed<Found>(
    caller: Caller,
    userCode: string,
    look: (hash: Uint8Array) => Promise<Found | undefined>,
  ): Promise<Found | undefined> {
    if (caller.actor.kind !== 'user') throw new PersonNeeded()
    const code = normalUserCode(userCode)
    if (code === undefined) return undefined
    await throttle.guess(caller.actor.id)
    const found = await look(hashToken(code))
    if (found !== undefined) await throttle.rightly(caller.actor.id)
    return found
  }

  /**
   * The tokens of a device that somebody has approved; works once.
   * @throws {AuthorizationPending} @throws {SlowDown} @throws {DeviceDenied} @throws {DeviceCodeExpired}
   */
  async function finish(deviceCode: string, request: RequestOrigin): Promise<SignedIn> {
    if (deviceCode.length > maxDeviceCodeLength) throw new DeviceCodeExpired()
    // What is thrown in a transaction undoes it, and that somebody has asked is to be remembered.
    const outcome = await transact((tx) => ask(tx, hashToken(deviceCode), request))
    if (outcome instanceof Error) throw outcome
    return sessions.signedIn(outcome)
  }

  async function ask(tx: Transaction, hash: Uint8Array, request: RequestOrigin): Promise<OpenSession | Error> {
    const device = await lockAskingDevice(tx, hash)
    if (device === undefined || device.isExpired) return new DeviceCodeExpired()
    if (device.isTooSoon) {
      const longer = device.intervalMs + slowDownMs
      await noteAsked(tx, device.id, longer)
      tx.quiet('when a device asked last')
      return new SlowDown(longer)
    }
    if (device.decision === null) {
      await noteAsked(tx, device.id, device.intervalMs)
      tx.quiet('when a device asked last')
      return new AuthorizationPending()
    }
    await deleteDevice(tx, device.id)
    const outcome = device.decision === 'DENIED' ? new DeviceDenied() : await open(tx, device, request)
    if (outcome instanceof Error) tx.quiet('a device that has its answer')
    return outcome
  }

  /** The person may have lost meanwhile what they gave. */
  async function open(tx: Transaction, device: AskingDevice, request: RequestOrigin): Promise<OpenSession | Error> {
    const { accountId, userId, scopes } = device
    const person = await findPersonById(tx, accountId ?? '', userId ?? '')
    if (person === undefined || missingOf(scopes, grantsOf(scopesOfRole[person.role])).length > 0)
      return new DeviceDenied()
    return sessions.open(tx, person, request, 'device', scopes.length === 0 ? undefined : scopes)
  }

  return { begin, find, approve, deny, finish }
}

/**
 * The scopes that the device gets: those that it asks for, if the caller holds them; empty, which is everything that the
 * person's role has, only from a session that is not narrowed. @throws {ScopeNotHeld}
 */
function given(caller: Caller, { scopes }: DeviceRow): readonly string[] {
  if (scopes.length > 0) return held(caller, scopes)
  if (!isNarrowed(caller)) return []
  // A narrowed session whose role was lowered since may have nothing left to give.
  if (caller.scopes.length === 0) mustNotBeNarrowed(caller)
  return caller.scopes
}

function validName(name: string): string {
  const parsed = clientNameForm.safeParse(name)
  if (parsed.success) return parsed.data
  const message = parsed.error.issues.map((issue) => issue.message).join('; ')
  throw invalidInput('The device', [{ path: 'clientName', message }])
}
