import type { ReactNode } from 'react'
import type { SignalboxError } from '#client/browser.ts'
import { Button } from './button.tsx'
import { Loading } from './loading.tsx'
import { ErrorNote } from './notes.tsx'

export interface Column<Row> {
  readonly title: string
  readonly cell: (row: Row) => ReactNode
  /** Numbers stand at the right. */
  readonly isNumber?: boolean | undefined
  /** Left out on small screens. */
  readonly isWide?: boolean | undefined
}

export interface ListTableProps<Row> {
  /** What the rows are, for screen readers. */
  readonly label: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly idOf: (row: Row) => string
  /** Shown in place of a table without rows. */
  readonly empty: ReactNode
  readonly list?: {
    readonly isLoading: boolean
    readonly error: SignalboxError | undefined
    readonly hasMore: boolean
    readonly isLoadingMore: boolean
    readonly loadMore: () => Promise<void>
  }
}

/** A list as a table, with what it is waiting for and a way to its next page. */
export function ListTable<Row>({ label, columns, rows, idOf, empty, list }: ListTableProps<Row>) {
  if (list?.isLoading) return <Loading />
  return (
    <>
      {list?.error && (
        <div className="body">
          <ErrorNote error={list.error} />
        </div>
      )}
      {rows.length === 0 && !list?.error && empty}
      {rows.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard
        <section className="scroll" aria-label={label} tabIndex={0}>
          <table>
            <thead>
              <tr>
                {columns.map((column) => (
                  <th key={column.title} scope="col" className={classOf(column)}>
                    {column.title}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={idOf(row)}>
                  {columns.map((column) => (
                    <td key={column.title} className={classOf(column)}>
                      {column.cell(row)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      {list?.hasMore && (
        <div className="body">
          <Button small onClick={() => void list.loadMore()} isBusy={list.isLoadingMore}>
            Load more
          </Button>
        </div>
      )}
    </>
  )
}

function classOf({ isNumber, isWide }: Pick<Column<never>, 'isNumber' | 'isWide'>): string | undefined {
  return [isNumber && 'num', isWide && 'wide'].filter(Boolean).join(' ') || undefined
}
