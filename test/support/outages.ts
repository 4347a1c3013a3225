/** Whether the server could not be reached, went away meanwhile, or says that it or its database is not available. */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return JSON.stringify(error)?.includes('"UNAVAILABLE"') === true
  return (
    (error instanceof TypeError && error.message === 'fetch failed') ||
    /UNAVAILABLE|terminated|other side closed/.test(error.message)
  )
}
