import { z } from 'zod'
import { nearest } from '#lib/nearest.ts'
import { calledHere } from '#lib/other-names.ts'

/** Longer names are no misspelling of ours. */
const maxComparedLength = 100

/** What somebody who sent an unknown name probably meant, as the end of a sentence; empty when that is not known. */
export function hintFor(name: string, known: readonly string[], headers: readonly string[] = []): string {
  const header = headerOf.get(name)
  if (header !== undefined && headers.includes(header.toLowerCase())) return `, which is the header ${header} here`
  const other = calledHere(name, known)
  if (other !== undefined) return `, which is called "${other}" here`
  const near = nearest(name.slice(0, maxComparedLength), known)
  return near === undefined ? '' : `; did you mean "${near}"?`
}

/** What GraphQL has among the inputs, and REST among the headers. */
const headerOf: ReadonlyMap<string, string> = new Map([
  ['idempotencyKey', 'Idempotency-Key'],
  ['expectedVersion', 'If-Match'],
  ['ifVersion', 'If-Match'],
])

/** The names that a schema has for the fields of the object at a path. */
export function namesAt(schema: z.core.$ZodType | undefined, path: readonly PropertyKey[]): readonly string[] {
  const [step, ...rest] = path
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodNullable)
    return namesAt(schema.unwrap(), path)
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((option) => namesAt(option as z.ZodType, path))
  if (schema instanceof z.ZodObject)
    return step === undefined ? Object.keys(schema.shape) : namesAt(fieldOf(schema.shape, String(step)), rest)
  if (schema instanceof z.ZodArray) return namesAt(schema.element, rest)
  return []
}

function fieldOf(shape: z.ZodRawShape, name: string): z.core.$ZodType | undefined {
  return Object.hasOwn(shape, name) ? shape[name] : undefined
}
