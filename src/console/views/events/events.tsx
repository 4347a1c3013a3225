import { useState } from 'react'
import type { SignalboxEvent } from '#client/browser.ts'
import { useEvents, useQuery } from '#client/react/index.ts'
import { EventTypesDocument } from '#console/generated/graphql.ts'
import { useParams } from '#console/lib/search-params.ts'
import { ApiHelp, shellText } from '#console/ui/api-help.tsx'
import { Button } from '#console/ui/button.tsx'
import { JsonView } from '#console/ui/json-view.tsx'
import { Empty, ErrorNote } from '#console/ui/notes.tsx'
import { Card, Page } from '#console/ui/page.tsx'
import { Subject } from '#console/ui/subject.tsx'
import { Time } from '#console/ui/time.tsx'

const maxEvents = 500

/** What happens in the account, as it happens. */
export default function Events() {
  const params = useParams()
  const types = params.all('type')
  const subject = params.get('subject')
  const selection = { types: types.length > 0 ? types : undefined, subject: subject || undefined }
  const { data, error, isLive } = useEvents({ ...selection, maxEvents })
  const [paused, setPaused] = useState<readonly SignalboxEvent[] | undefined>()
  const shown = [...(paused ?? data ?? [])].reverse()
  return (
    <Page
      title="Events"
      actions={
        <Button onClick={() => setPaused(paused === undefined ? (data ?? []) : undefined)}>
          {paused === undefined ? 'Pause' : 'Continue'}
        </Button>
      }
    >
      <Filters />
      <ErrorNote error={error} />
      <Card title={paused === undefined ? 'Live' : 'Paused'}>
        {shown.length === 0 ? (
          <Empty title={isLive ? 'Waiting for the next event.' : 'Connecting…'}>
            <p>Events appear here as they happen, newest first; the last {maxEvents} are kept.</p>
          </Empty>
        ) : (
          <ol className="timeline">
            {shown.map((event) => (
              <EventItem key={event.cursor} event={event} />
            ))}
          </ol>
        )}
      </Card>
      <ApiHelp
        graphql={`subscription ($types: [String!], $subject: String) {\n  events(types: $types, subject: $subject) { type subject at actor { name } data cursor }\n}\n\n# variables\n${JSON.stringify(selection, null, 2)}`}
        rest={{ method: 'GET', path: `/api/events${types.length > 0 ? `?types=${types.join(',')}` : ''}` }}
        cli={`signalbox events --follow${types.length > 0 ? ` --types ${shellText(types.join(','))}` : ''}`}
      />
    </Page>
  )
}

function Filters() {
  const params = useParams()
  const { data } = useQuery(EventTypesDocument, {})
  const families = [...new Set((data?.eventTypes ?? []).map(({ name }) => `${name.split('.')[0]}.*`))]
  const chosen = params.all('type')
  return (
    <search className="stack">
      <fieldset className="filters plain">
        <legend className="visually-hidden">Families</legend>
        {families.map((family) => (
          <label key={family} className="chip">
            <input
              type="checkbox"
              checked={chosen.includes(family)}
              onChange={() =>
                params.set({
                  type: chosen.includes(family) ? chosen.filter((one) => one !== family) : [...chosen, family],
                })
              }
            />
            <span>{family}</span>
          </label>
        ))}
      </fieldset>
      <form
        className="filters"
        onSubmit={(event) => {
          event.preventDefault()
          params.set({ subject: String(new FormData(event.currentTarget).get('subject') ?? '').trim() })
        }}
      >
        <input
          key={params.get('subject')}
          name="subject"
          className="grow"
          type="search"
          aria-label="Subject"
          placeholder="Subject, such as task:<id> or document:releases/prod/web"
          defaultValue={params.get('subject')}
        />
        <button type="submit" className="button">
          Apply
        </button>
      </form>
    </search>
  )
}

function EventItem({ event }: { readonly event: SignalboxEvent }) {
  const [isOpen, setOpen] = useState(false)
  const { type, subject, at, actor, data } = event
  return (
    <li className={/failed|lost|refused/.test(type) ? 'bad' : ''}>
      <details onToggle={(toggle) => setOpen(toggle.currentTarget.open)}>
        <summary>
          <strong>{type}</strong> <Time at={at} /> <span className="soft">by {actor.name}</span>
        </summary>
        {isOpen && <JsonView value={data} label="Data" />}
      </details>
      <Subject subject={subject} />
    </li>
  )
}
