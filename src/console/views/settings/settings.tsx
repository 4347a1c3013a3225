import { ViewerDocument } from '#client/browser.ts'
import { useQuery } from '#client/react/index.ts'
import { UsageDocument, type UsageQuery } from '#console/generated/graphql.ts'
import { basePath } from '#console/lib/base-path.ts'
import { useSession } from '#console/session/session-context.ts'
import { bytes } from '#console/ui/bytes.ts'
import { Facts } from '#console/ui/facts.tsx'
import { ErrorNote } from '#console/ui/notes.tsx'
import { Card, Page } from '#console/ui/page.tsx'
import { sentence } from '#console/ui/status.tsx'
import { duration, Time } from '#console/ui/time.tsx'

/** This installation, what the account may use of it, and who one is here. */
export default function Settings() {
  const { data, error } = useQuery(UsageDocument, {})
  return (
    <Page title="Settings">
      <ErrorNote error={error} />
      <div className="halves">
        <Server />
        <You />
        {data && <Quotas quotas={data.quotas} />}
        {data && <Limits rateLimit={data.rateLimit} />}
      </div>
    </Page>
  )
}

function Server() {
  const { instance } = useSession()
  return (
    <Card title="This server">
      <Facts
        facts={[
          ['Name', instance.name],
          ['Version', instance.version],
          ['Address', location.origin + basePath],
          [
            'Documentation',
            <a key="docs" href={`${basePath}/docs`}>
              Read it
            </a>,
          ],
          [
            'APIs',
            <span key="apis">
              {instance.graphiql && (
                <>
                  <a href={`${basePath}/graphql`}>GraphQL</a>,{' '}
                </>
              )}
              <a href={`${basePath}/api/docs`}>REST</a>, <a href={`${basePath}/health`}>health</a>
            </span>,
          ],
        ]}
      />
    </Card>
  )
}

function You() {
  const { data } = useQuery(ViewerDocument, {})
  const viewer = data?.viewer
  return (
    <Card title="You">
      {viewer && (
        <Facts
          facts={[
            ['Name', viewer.name],
            ['Account', viewer.account.name],
            ['Account id', <code key="id">{viewer.account.id}</code>],
            ['Role', sentence(viewer.role)],
            ['Signed in until', <Time key="until" at={viewer.tokenExpiresAt} />],
            [
              'Scopes',
              <span key="scopes" className="row">
                {viewer.scopes.map((scope) => (
                  <span key={scope} className="tag">
                    {scope}
                  </span>
                ))}
              </span>,
            ],
          ]}
        />
      )}
    </Card>
  )
}

function Quotas({ quotas }: Pick<UsageQuery, 'quotas'>) {
  return (
    <Card title="Quotas of the account">
      <ul className="stack">
        {quotas.map(({ name, used, limit }) => {
          const amount = (value: number) => (name === 'STORED_BYTES' ? bytes(value) : value.toLocaleString('en'))
          return (
            <li key={name}>
              <div className="fact">
                <span>{sentence(name)}</span>
                <span className="soft">
                  {amount(used)} of {limit == null ? 'any number' : amount(limit)}
                </span>
              </div>
              {limit != null && <progress value={used} max={limit} aria-label={sentence(name)} />}
            </li>
          )
        })}
      </ul>
    </Card>
  )
}

function Limits({ rateLimit }: Pick<UsageQuery, 'rateLimit'>) {
  const limits = [
    ['Requests', rateLimit.requests],
    ['Cost of queries', rateLimit.cost],
  ] as const
  return (
    <Card title="Your rate limits">
      <ul className="stack">
        {limits.map(([name, state]) => (
          <li key={name}>
            <div className="fact">
              <span>{name}</span>
              <span className="soft">
                {state == null
                  ? 'unlimited'
                  : `${state.remaining.toLocaleString('en')} of ${state.limit.toLocaleString('en')} left for ${duration(state.resetMs)}`}
              </span>
            </div>
            {state != null && <progress value={state.limit - state.remaining} max={state.limit} aria-label={name} />}
          </li>
        ))}
      </ul>
    </Card>
  )
}
