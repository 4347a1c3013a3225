import { z } from 'zod'
import type { RouteDescription } from '#transport/rest/route.ts'

const tag = 'Hooks'

const id = z.string().describe('The id of the sender’s event.')

const taken = z
  .object({
    accepted: z.literal(true),
    deliveryId: z.string().describe('The sender’s id of the event; repeated calls are recognized by it.'),
    duplicate: z.boolean().describe('Whether the event had been received before; it creates no further tasks.'),
    tasks: z.array(z.string()).describe('The ids of the tasks that it created.'),
  })
  .meta({ id: 'HookCall', description: 'A call of a hook that was accepted.' })

const azureAnswer = z
  .union([
    taken,
    z.object({
      accepted: z.literal(false),
      code: z.string().describe('The reason, as a stable code.'),
      message: z.string().describe('The reason, in one sentence.'),
    }),
  ])
  .meta({ id: 'QuietHookCall', description: 'A call of a hook; `accepted` says whether it was accepted.' })

const shared = {
  method: 'post',
  tag,
  access: 'signed',
  body: z.unknown().describe('The event as the sender writes it.'),
} as const

/** The paths that other systems call. The hook handler answers them, so they have no routes; this is their documentation. */
export const inboundHookDescriptions: readonly RouteDescription[] = [
  {
    ...shared,
    path: '/hooks/{id}',
    name: 'callHook',
    place: 'root',
    summary: 'Calls a hook of the configuration.',
    description: 'The sender proves itself as the hook’s configuration says: by a signature or a secret.',
    params: z.object({ id: z.string().describe('The hook’s name in the configuration.') }),
    answers: { 202: { description: 'The event is committed, with the tasks that it creates.', schema: taken } },
    refusals: [400, 401, 404, 408, 429, 503],
  },
  {
    ...shared,
    path: '/repository/webhook',
    name: 'receiveGithubWebhook',
    place: 'prefixed',
    summary: 'Receives a GitHub webhook: calls the hook named `github`.',
    headers: z.object({
      'x-github-event': z.string().describe('The kind of event, such as `push`.'),
      'x-github-delivery': id,
      'x-hub-signature-256': z.string().describe('`sha256=` and the HMAC of the body, in hexadecimal.'),
    }),
    answers: { 200: { description: 'The event is committed, with the tasks that it creates.', schema: taken } },
    refusals: [401, 404, 408, 429, 503],
  },
  {
    ...shared,
    path: '/repository/webhook/azuredevops',
    name: 'receiveAzureDevopsWebhook',
    place: 'prefixed',
    summary: 'Receives an Azure DevOps service hook: calls the hook named `azure-devops`.',
    description: 'Answers 200 to refused calls as well, since Azure DevOps disables a subscription after failures.',
    headers: z.object({ 'x-vss-activityid': id.optional() }),
    answers: { 200: { description: 'The call was accepted, or refused for good.', schema: azureAnswer } },
    refusals: [404, 408, 429, 503],
  },
]
