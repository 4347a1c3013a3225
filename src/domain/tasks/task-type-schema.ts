import { z } from 'zod'
import { priorities } from './task.ts'
import { taskEnvironmentSchema } from './task-environment.ts'
import { taskSecretsSchema } from './task-secrets.ts'

/** Whether a value is a schema of zod 4, from whichever copy of the package. */
export const isSchema = (value: unknown): value is z.ZodType =>
  typeof value === 'object' && value !== null && '_zod' in value

const text = z.string('must be a text')

/** The fields that a task type and a command share. */
export const taskSettings = {
  timeoutMs: z.int('must be a whole number').positive('must be above 0').optional(),
  graceMs: z.int('must be a whole number').min(0, 'must not be negative').optional(),
  priority: z.enum(priorities, `must be ${priorities.join(', ')}`).optional(),
  retry: z
    .strictObject(
      {
        maxAttempts: z
          .int('must be a whole number')
          .min(1, 'must be at least 1')
          .max(100, 'must be at most 100')
          .optional(),
        backoff: z.enum(['fixed', 'linear', 'exponential'], 'must be fixed, linear or exponential').optional(),
        delayMs: z.int('must be a whole number').min(0, 'must not be negative').optional(),
        maxDelayMs: z.int('must be a whole number').min(0, 'must not be negative').optional(),
        jitter: z.number('must be a number').min(0, 'must be 0 to 1').max(1, 'must be 0 to 1').optional(),
        retryOn: z.array(text, 'must be a list of error codes').min(1, 'must name at least one error code').optional(),
      },
      'must be an object',
    )
    .optional(),
  env: taskEnvironmentSchema.optional(),
  secrets: taskSecretsSchema.optional(),
}

const isFunction = z.custom((value) => typeof value === 'function', 'must be a function')

const typeSchema = z.looseObject(
  {
    name: text,
    description: text,
    input: z.custom(isSchema, 'must be a schema of zod 4'),
    run: z.custom((value) => typeof value === 'function', 'must be a function'),
    prepare: z.custom((value) => typeof value === 'function', 'must be a function').optional(),
    isolation: z.enum(['process', 'none'], 'must be process or none').optional(),
    onWorkerLost: z.enum(['fail', 'retry'], 'must be fail or retry').optional(),
    preemptible: z.boolean('must be true or false').optional(),
    scope: text.optional(),
    submits: z.array(text, 'must be a list').optional(),
    reads: z.custom((value) => typeof value === 'function', 'must be a function').optional(),
    ...taskSettings,
    secrets: isFunction.or(taskSecretsSchema).optional(),
    selfApproval: isFunction.or(z.boolean('must be true or false')).optional(),
  },
  'must be a task type from defineTaskType',
)

/** The part `taskTypes` of a configuration file. */
export const taskTypesSchema = z.array(typeSchema, 'must be a list')
