import { Component, type ReactNode } from 'react'

interface Props {
  readonly children: ReactNode
}

/** A page is never blank: what could not be drawn is said, with a way back. */
export class ErrorBoundary extends Component<Props, { readonly message: string | undefined }> {
  override state = { message: undefined }

  static getDerivedStateFromError(error: unknown): { message: string } {
    return { message: error instanceof Error ? error.message : String(error) }
  }

  override render(): ReactNode {
    const { message } = this.state
    if (message === undefined) return this.props.children
    return (
      <main className="failed">
        <h1>Pinhole could not draw this moment.</h1>
        <p>{message}</p>
        <button type="button" onClick={() => location.replace(location.pathname)}>
          Open the first scenario
        </button>
      </main>
    )
  }
}
