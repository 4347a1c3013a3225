import { AppError, type InputIssue, InvalidInput } from '#lib/errors.ts'
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
    issues: t.field({
      type: [InputIssueRef],
      description: 'Everything that is wrong, each with its path.',
      resolve: (failure) => [...failure.issues],
    }),
  }),
})

export { AppError }
