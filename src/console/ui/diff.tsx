import { diffLines } from 'diff'

/** The longest texts that are compared line by line. */
const maxLength = 400_000

/** What two JSON values differ in, line by line. */
export function Diff({ from, to }: { readonly from: unknown; readonly to: unknown }) {
  const [before, after] = [from, to].map((value) => `${JSON.stringify(value, null, 2)}\n`) as [string, string]
  if (before === after) return <p className="soft">There is no difference.</p>
  if (before.length + after.length > maxLength) return <p className="soft">These are too large to compare here.</p>
  const parts = diffLines(before, after)
  return (
    <div className="diff">
      {parts.flatMap(({ value, added, removed }, part) =>
        value
          .replace(/\n$/, '')
          .split('\n')
          .map((line, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the lines of one comparison never move
            <span key={`${part}-${index}`} className={added ? 'added' : removed ? 'removed' : undefined}>
              {`${added ? '+' : removed ? '-' : ' '} ${line}`}
            </span>
          )),
      )}
    </div>
  )
}
