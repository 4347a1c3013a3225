import { describe, expect, it } from 'vitest'
import { exitCodeOf, exitCodeOfError, exitCodeOfStatus } from '#cli/exit-codes.ts'
import { SignalboxError, SignalboxUnreachable } from '#client/index.ts'
import { errorTable } from '#lib/error-codes.ts'

describe('exit codes', () => {
  it.each([
    ['INVALID_INPUT', 2],
    ['TOO_LARGE', 2],
    ['FORBIDDEN', 3],
    ['SCOPE_NOT_HELD', 3],
    ['NOT_FOUND', 4],
    ['CURSOR_EXPIRED', 4],
    ['TASK_ALREADY_ENDED', 5],
    ['RATE_LIMITED', 6],
    ['UNAVAILABLE', 7],
    ['UNREACHABLE', 7],
    ['READER_TOO_SLOW', 7],
    ['INTERNAL', 70],
    ['toString', 70],
  ])('of %s is %i', (code, exitCode) => {
    expect(exitCodeOfError(code)).toBe(exitCode)
    expect(exitCodeOf(new SignalboxError('so', { code }))).toBe(exitCode)
  })

  it('differ by how a task has ended', () => {
    const codes = (['COMPLETED', 'FAILED', 'CANCELLED'] as const).map(exitCodeOfStatus)
    expect(codes).toEqual([0, 1, 8])
    expect(exitCodeOfStatus('ACTIVE')).toBeUndefined()
    const taken = Object.values(errorTable).map(({ exitCode }) => exitCode as number)
    expect(taken).not.toContain(8)
    expect(taken).not.toContain(1)
  })

  it('tell an unreachable server from a bug', () => {
    expect(exitCodeOf(new SignalboxUnreachable('gone'))).toBe(7)
    expect(exitCodeOf(new Error('odd'))).toBe(70)
  })
})
