import { z } from 'zod'
import { durableLimits, durableName } from '#domain/tasks/durable/protocol.ts'
import { isSchema, taskSettings } from '#domain/tasks/task-type-schema.ts'
import { unknownPlaceholders } from './command-line.ts'

const argsSchema = z.custom<z.ZodObject>(
  (value) => isSchema(value) && value._zod.def.type === 'object',
  'must be an object schema of zod 4: z.object({ … })',
)
const text = z.string('must be a text')

const commandSchema = z
  .strictObject({
    command: z
      .array(text, 'must be a list of texts: the program, then its arguments')
      .min(1, 'must name a program')
      .refine(([program]) => !program?.includes('{{args.'), 'must start with a program, not with an argument'),
    description: text.optional(),
    args: argsSchema.optional(),
    allowDashArgs: z.boolean('must be true or false').optional(),
    directives: z.enum(['any', 'marked', 'none'], 'must be any, marked or none').optional(),
    cwd: text.optional(),
    approval: durableName.optional(),
    selfApproval: z.boolean('must be true or false').optional(),
    approvalTimeoutMs: z
      .int('must be a whole number')
      .positive('must be above 0')
      .max(durableLimits.maxTimeoutMs, 'must be at most 366 days')
      .optional(),
    ...taskSettings,
  })
  .superRefine((command, issues) => {
    for (const name of unknownPlaceholders(command))
      issues.addIssue({
        code: 'custom',
        path: ['command'],
        message: `names {{args.${name}}}, which its args don't define`,
      })
  })

const commandName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/, 'has a name with other than letters, digits, . _ : -')

/** The part `commands` of a configuration file. */
export const commandsSchema = z.record(commandName, commandSchema, 'must be an object of commands by their names')
