import { expect, it } from 'vitest'
import { type DeliveryUpdate, followDeliveries, type SignalboxClient, SignalboxUnreachable } from '#client/index.ts'

/** A client whose subscription gives these, one list after the other, each of which ends with a broken connection. */
function brokenClient(openings: readonly (readonly Partial<DeliveryUpdate>[])[]) {
  const opened: (string | undefined)[] = []
  const client: Pick<SignalboxClient, 'subscribe'> = {
    async *subscribe(_document, variables) {
      const updates = openings[opened.length] ?? []
      opened.push((variables as { after?: string }).after)
      for (const deliveryUpdates of updates) yield { deliveryUpdates } as never
      throw new SignalboxUnreachable('lost')
    },
  }
  return { client: client as SignalboxClient, opened }
}

const attempt = (cursor: string, deliveryId: string, number = 1) =>
  ({ kind: 'ATTEMPT', cursor, deliveryId, attempt: number }) as const
const lagged = (cursor: string) => ({ kind: 'LAGGED', cursor, deliveryId: null, attempt: null }) as const

async function followed(client: SignalboxClient, count: number) {
  const told: string[] = []
  for await (const { deliveryId, attempt } of followDeliveries(client, undefined)) {
    told.push(`${deliveryId} ${attempt}`)
    if (told.length === count) return told
  }
  return told
}

it('yields attempts that ended together once when the connection breaks between them', async () => {
  const { client, opened } = brokenClient([
    [attempt('1', 'a'), attempt('1', 'b'), attempt('1', 'c')],
    [attempt('1', 'b'), attempt('1', 'c'), attempt('2', 'd')],
    [attempt('3', 'b', 2), attempt('3', 'a', 2)],
  ])
  expect(await followed(client, 6)).toEqual(['a 1', 'b 1', 'c 1', 'd 1', 'b 2', 'a 2'])
  expect(opened).toEqual([undefined, '1', '2'])
})

it('what a slow reader was spared is fetched again, as often as that happens', async () => {
  const { client, opened } = brokenClient([[attempt('1', 'a'), lagged('1')], [lagged('2')], [attempt('3', 'b')]])
  expect(await followed(client, 2)).toEqual(['a 1', 'b 1'])
  expect(opened).toEqual([undefined, '1', '2'])
})
