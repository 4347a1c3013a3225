import { describe, expect, it } from 'vitest'
import { exitCodeByErrorCode, exitCodeOf, exitCodeOfStatus } from '#cli/exit-codes.ts'
import * as client from '#client/index.ts'
import * as accessErrors from '#domain/access/errors.ts'
import * as taskErrors from '#domain/tasks/errors.ts'
import * as cursorErrors from '#lib/cursor.ts'
import { AppError, errorTable, InvalidInput } from '#lib/errors.ts'

/** One of each error that the server answers with. */
function serverErrors(): AppError[] {
  const exported = Object.values({ ...accessErrors, ...taskErrors, ...cursorErrors, InvalidInput })
  const classes = exported.filter((value) => value.prototype instanceof AppError)
  return classes.map((ErrorClass) => Reflect.construct(ErrorClass, ['a', ['b']]) as AppError)
}

describe('exit codes', () => {
  it.each(serverErrors().map((error) => [error.code, error] as const))(
    'agree with the server’s table for %s',
    (code, { kind }) => {
      expect(exitCodeByErrorCode[code]).toBe(errorTable[kind].exitCode)
    },
  )

  it('tell how a task has ended, each in its own way', () => {
    const codes = (['COMPLETED', 'FAILED', 'CANCELLED'] as const).map(exitCodeOfStatus)
    expect(codes).toEqual([0, 1, 8])
    expect(exitCodeOfStatus('ACTIVE')).toBeUndefined()
    const taken = Object.values(errorTable).map(({ exitCode }) => exitCode as number)
    expect(taken).not.toContain(8)
    expect(taken).not.toContain(1)
  })

  it('tell an unreachable server from a bug', () => {
    expect(exitCodeOf(new client.SignalboxUnreachable('gone'))).toBe(7)
    expect(exitCodeOf(new Error('odd'))).toBe(70)
  })
})
