import { type AppError, type InputIssue, InvalidInput } from '#lib/errors.ts'
import { builder } from './builder.ts'

/** What all failures of mutations have in common; a domain adds its own fields. */
export const Failure = builder.interfaceRef<AppError>('Failure').implement({
  description: 'Why a mutation did not do what was asked, in a form that a program can act on.',
  fields: (t) => ({
    code: t.exposeString('code', { description: 'Stable; what a program decides by.' }),
    message: t.exposeString('message', { description: 'A sentence for people.' }),
  }),
})

const InputIssueRef = builder.objectRef<InputIssue>('InputIssue').implement({
  description: 'One thing that is wrong with an input.',
  fields: (t) => ({
    path: t.exposeString('path', { description: 'Where, such as `input.durationMs`; empty for the whole.' }),
    message: t.exposeString('message', { description: 'Why.' }),
  }),
})

builder.objectType(InvalidInput, {
  name: 'InvalidInput',
  description: 'The input has the right form, but its content is refused.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof InvalidInput,
  fields: (t) => ({
    summary: t.exposeString('summary', {
      description: 'The message without the issues, such as "The webhook is not valid."',
    }),
    issues: t.field({
      type: [InputIssueRef],
      description: 'Everything that is wrong, each with its path.',
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
