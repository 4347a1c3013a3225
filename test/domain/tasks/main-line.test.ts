import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { graphqlData } from '#test/support/graphql.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

const submit = /* GraphQL */ `
  mutation ($input: SubmitTaskInput!) {
    submitTask(input: $input) {
      __typename
      ... on SubmitTaskPayload { deduplicated task { id status priority type } }
      ... on Failure { code message }
      ... on InvalidInput { issues { path message } }
    }
  }
`

describe('a task', () => {
  it('goes from submission to result', async () => {
    const { submitTask } = await graphqlData<{ submitTask: { task: { id: string } } }>(server, submit, {
      input: { type: 'probe', input: { steps: 2, durationMs: 20 } },
    })
    expect(submitTask).toMatchObject({ __typename: 'SubmitTaskPayload', deduplicated: false })
    const task = await until(async () => {
      const { task } = await graphqlData<{ task: { status: string } }>(
        server,
        'query($id: ID!) { task(id: $id) { status progress result attempt attempts { number error { code } } createdBy { kind name } logs { nodes { message } } } }',
        { id: submitTask.task.id },
      )
      return task.status === 'COMPLETED' && task
    })
    expect(task).toMatchObject({
      progress: 100,
      attempt: 1,
      result: { steps: 2 },
      createdBy: { kind: 'application', name: 'owner' },
    })
  })
})
