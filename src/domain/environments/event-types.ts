import { z } from 'zod'
import { type EventTypes, eventTypesOf } from '#platform/journal/event-type.ts'
import type { EnvironmentEventType } from './events.ts'

const environment = z.looseObject({
  name: z.string(),
  repository: z.string().describe('Empty: none in particular.'),
  category: z.string(),
  username: z.string().nullable().describe('Of its Salesforce org.'),
})

export const environmentEventCatalog: EventTypes<EnvironmentEventType> = {
  ...eventTypesOf(environment, {
    'salesforce.environment_created': 'An environment was created.',
    'salesforce.environment_updated': 'An environment was changed.',
    'salesforce.environment_deleted': 'An environment was deleted.',
  }),
  'salesforce.environment_assigned': {
    description: 'An environment was set aside for a pull request, an issue or a user.',
    data: environment.extend({ assignmentType: z.string(), assignmentId: z.string(), fence: z.int() }),
  },
}
