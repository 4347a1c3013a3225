import { type AppError, type InputIssue, InvalidInput } from '#lib/errors.ts'
import { builder } from './builder.ts'

/** What all failures of mutations have in common; a domain adds its own fields. */
export const Failure = builder.interfaceRef<AppError>('Failure').implement({
  description: 'Why a mutation failed, in a form that a program can act on.',
  fields: (t) => ({
    code: t.exposeString('code', { description: 'A stable code for programs.' }),
    message: t.exposeString('message', { description: 'A human-readable sentence.' }),
  }),
})

const InputIssueRef = builder.objectRef<InputIssue>('InputIssue').implement({
  description: 'An issue in an input.',
  fields: (t) => ({
    path: t.exposeString('path', {
      description: 'The path of the value, such as `input.durationMs`; empty for the whole input.',
    }),
    message: t.exposeString('message', { description: 'Why.' }),
  }),
})

builder.objectType(InvalidInput, {
  name: 'InvalidInput',
  description: 'The input is well-formed, but its content is not valid.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof InvalidInput,
  fields: (t) => ({
    summary: t.exposeString('summary', {
      description: 'The message without the issues, such as "The webhook is not valid."',
    }),
    issues: t.field({
      type: [InputIssueRef],
      description: 'All issues, each with its path.',
      resolve: (failure) => [...failure.issues],
    }),
  }),
})

/** Declares a failure that says nothing beyond its code and message. */
export function failureType<Fact extends AppError>(
  error: new (...facts: never[]) => Fact,
  name: string,
  description: string,
): void {
  const isTypeOf = (value: unknown) => value instanceof error
  builder.objectType(error as never, { name, description, interfaces: [Failure], isTypeOf } as never)
}
