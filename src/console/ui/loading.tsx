/** Something is on its way. */
export function Loading() {
  return (
    <div className="loading" role="status">
      Loading…
    </div>
  )
}
