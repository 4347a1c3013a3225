import { z } from 'zod'
import { invalidInput } from '#lib/errors.ts'
import { isStorable, unstorable } from '#lib/json.ts'
import { inWords, issuesOf } from '#lib/parse.ts'
import { assignmentTypes, type EnvironmentFields, environmentCategories } from './environment.ts'

const text = (max: number) => z.string().trim().min(1, 'must not be empty').max(max).refine(isStorable, unstorable)
const maxMetadataBytes = 16 * 1024
const metadata = z
  .record(z.string(), z.unknown())
  .refine(
    (value) => Buffer.byteLength(JSON.stringify(value)) <= maxMetadataBytes,
    `may have at most ${maxMetadataBytes} bytes as JSON`,
  )
  .refine(isStorable, unstorable)
const username = text(255).transform((name) => name.toLowerCase())

const fields = z.strictObject({
  name: text(100),
  description: z.string().trim().max(1_000).refine(isStorable, unstorable),
  category: z.enum(environmentCategories),
  repository: z.string().trim().max(255).refine(isStorable, unstorable),
  orgUsername: username.nullable(),
  devHubUsername: username.nullable(),
  isActive: z.boolean(),
  isDefault: z.boolean(),
  branch: text(255).nullable(),
  tags: z
    .array(text(63))
    .max(32)
    .transform((tags) => [...new Set(tags)]),
  metadata,
  position: z.int().min(0).max(1_000_000).nullable(),
  expiresAt: z.date().nullable(),
})

const created = fields.extend({
  description: fields.shape.description.default(''),
  repository: fields.shape.repository.default(''),
  orgUsername: fields.shape.orgUsername.default(null),
  devHubUsername: fields.shape.devHubUsername.default(null),
  isActive: fields.shape.isActive.default(true),
  isDefault: fields.shape.isDefault.default(false),
  branch: fields.shape.branch.default(null),
  tags: fields.shape.tags.default([]),
  metadata: metadata.default({}),
  position: fields.shape.position.default(null),
  expiresAt: fields.shape.expiresAt.default(null),
})

/** What an environment is created with; what is left out has its default. */
export type NewEnvironment = z.input<typeof created>
/** What is changed about an environment; what is left out stays. */
export type EnvironmentChanges = { readonly [Name in keyof EnvironmentFields]?: EnvironmentFields[Name] | undefined }

/** @throws {InvalidInput} */
export function parseNew(given: NewEnvironment): EnvironmentFields {
  const parsed = created.safeParse(given, inWords)
  if (!parsed.success) throw invalidInput('The environment', issuesOf(parsed.error))
  return parsed.data
}

/** @throws {InvalidInput} */
export function parseChanges(given: EnvironmentChanges): Partial<EnvironmentFields> {
  const present = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  const parsed = fields.partial().safeParse(present, inWords)
  if (!parsed.success) throw invalidInput('The environment', issuesOf(parsed.error))
  return parsed.data as Partial<EnvironmentFields>
}

const maxHours = 720

const assignment = z.strictObject({
  type: z.enum(assignmentTypes),
  id: z
    .string()
    .max(255)
    .regex(/^[a-zA-Z0-9@._-]+$/, 'may have letters, digits and @ . _ -'),
  repository: text(255),
  poolTag: text(63).optional(),
  branch: text(255).nullable().default(null),
  domains: z.array(text(100)).max(50).default([]),
  expirationHours: z.int().min(1).max(maxHours).default(24),
  isImmortal: z.boolean().default(false),
  metadata: metadata.default({}),
  /** Whether another assignment of the same type and id is replaced instead of used again. */
  override: z.boolean().default(false),
})
export type AssignmentRequest = z.input<typeof assignment>

/** @throws {InvalidInput} */
export function parseAssignment(given: AssignmentRequest): z.output<typeof assignment> {
  const parsed = assignment.safeParse(given, inWords)
  if (!parsed.success) throw invalidInput('The assignment', issuesOf(parsed.error))
  return parsed.data
}
