import { Component, type ReactNode } from 'react'

interface State {
  readonly message: string | undefined
}

/** Shows a view's error instead of the view, so that the rest of the console stays usable. */
export class ErrorBoundary extends Component<{ readonly children: ReactNode }, State> {
  override state: State = { message: undefined }

  static getDerivedStateFromError(error: unknown): State {
    return { message: error instanceof Error ? error.message : String(error) }
  }

  override render(): ReactNode {
    if (this.state.message === undefined) return this.props.children
    return (
      <main className="page" id="main">
        <h1>This view has failed</h1>
        <p className="note error" role="alert">
          {this.state.message}
        </p>
        <p>
          <button type="button" className="button" onClick={() => location.reload()}>
            Load the page again
          </button>
        </p>
      </main>
    )
  }
}
