interface Waiting<In, Out> {
  readonly item: In
  readonly resolve: (result: Out) => void
  readonly reject: (error: unknown) => void
}

/**
 * Turns single calls into batches without a timer: a call that finds nothing under way starts with the present turn of
 * the event loop, and whatever arrives before its batch has ended goes together in the next one. `run` answers each
 * item in order; what it throws reaches every caller of that batch.
 */
export function createBatcher<In, Out>(options: {
  /** Most items in one batch. */
  readonly maxSize: number
  /**
   * The longest that a batch waits for company, in milliseconds; default: not at all. Callers of the last batch often
   * call again as soon as they have their result, and would just miss the next. It waits no longer than until they are all
   * there, nor than half of what the last one took, and only where more than one was in that.
   */
  readonly gatherMs?: number
  readonly run: (items: readonly In[]) => Promise<readonly Out[]>
}): (item: In) => Promise<Out> {
  let waiting: Waiting<In, Out>[] = []
  let isRunning = false
  let gathering: { readonly expected: number; readonly timer: NodeJS.Timeout } | undefined

  async function flush(batch: readonly Waiting<In, Out>[]): Promise<void> {
    const startedAt = performance.now()
    try {
      const results = await options.run(batch.map((one) => one.item))
      batch.forEach((one, index) => {
        one.resolve(results[index] as Out)
      })
    } catch (error) {
      for (const one of batch) one.reject(error)
    } finally {
      const maxMs = batch.length > 1 ? Math.min(options.gatherMs ?? 0, (performance.now() - startedAt) / 2) : 0
      if (maxMs > 0) gather(batch.length + waiting.length, maxMs)
      else resume()
    }
  }

  function gather(expected: number, maxMs: number): void {
    const timer = setTimeout(resume, maxMs)
    gathering = { expected: Math.min(expected, options.maxSize), timer }
  }

  function resume(): void {
    clearTimeout(gathering?.timer)
    gathering = undefined
    isRunning = false
    start()
  }

  function start(): void {
    if (isRunning || waiting.length === 0) return
    const batch = waiting.slice(0, options.maxSize)
    waiting = waiting.slice(options.maxSize)
    isRunning = true
    void flush(batch)
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject })
      // Calls made in the same turn of the event loop, by requests that arrived together, belong together.
      if (waiting.length === 1) setImmediate(start)
      if (gathering !== undefined && waiting.length >= gathering.expected) resume()
    })
}
