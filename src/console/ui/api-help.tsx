import { useState } from 'react'
import { serverUrl } from '#console/lib/base-path.ts'
import { Code } from './copy.tsx'

export interface ApiHelpProps {
  readonly graphql: string
  /** Method and path, such as `GET /api/tasks`, with the body behind them. */
  readonly rest: { readonly method: string; readonly path: string; readonly body?: unknown }
  readonly cli: string
}

const tabs = ['GraphQL', 'REST', 'Command line'] as const

/** The same action as the page does, to copy. */
export function ApiHelp({ graphql, rest, cli }: ApiHelpProps) {
  const [tab, setTab] = useState<(typeof tabs)[number]>('GraphQL')
  const texts = { GraphQL: graphql, REST: curl(rest), 'Command line': cli }
  return (
    <details className="card">
      <summary className="body card-summary">Do this over the API</summary>
      <div className="body stack">
        <fieldset className="row plain">
          <legend className="visually-hidden">Interface</legend>
          {tabs.map((name) => (
            <label key={name} className="chip">
              <input type="radio" name="api-help" checked={tab === name} onChange={() => setTab(name)} />
              <span>{name}</span>
            </label>
          ))}
        </fieldset>
        <Code text={texts[tab]} label={tab} />
      </div>
    </details>
  )
}

function curl({ method, path, body }: ApiHelpProps['rest']): string {
  const head = `curl -X ${method} '${serverUrl}${path}' \\\n  -H "Authorization: Bearer $SIGNALBOX_TOKEN"`
  if (body === undefined) return head
  return `${head} \\\n  -H 'Content-Type: application/json' \\\n  -d ${shellText(JSON.stringify(body, null, 2))}`
}

/** A text as one word of a shell. */
export function shellText(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
