import { factsOf, headerText } from './envelope.ts'
import { json, type Message, type Payload } from './payload.ts'

/** The event as one JSON object (CloudEvents 1.0, HTTP binding §3.2). */
export function structured(message: Message): Payload {
  const { data } = message
  return json(
    { ...attributesOf(message), datacontenttype: 'application/json', data },
    'application/cloudevents+json; charset=utf-8',
  )
}

/** The data as the body, all else as headers (HTTP binding §3.1). */
export function binary(message: Message): Payload {
  const headers = Object.fromEntries(
    Object.entries(attributesOf(message)).map(([name, value]) => [`ce-${name}`, headerText(value)]),
  )
  return { ...json(message.data), headers }
}

/** Names of extensions are lower-case letters and digits (CloudEvents §3.1). */
function attributesOf({ id, event, publicUrl }: Message): Record<string, string> {
  const { id: eventid, actor, account: accountid } = factsOf(event)
  return {
    specversion: '1.0',
    id,
    source: publicUrl ?? '/signalbox',
    type: event.type,
    subject: event.subject,
    time: event.at.toISOString(),
    eventid,
    accountid,
    actorkind: actor.kind,
    actorid: actor.id,
    actorname: actor.name,
  }
}
