interface Waiting<In, Out> {
  readonly item: In
  readonly resolve: (result: Out) => void
  readonly reject: (error: unknown) => void
}

/**
 * Turns single calls into batches without a timer: a call that finds nothing under way starts at once, and whatever
 * arrives meanwhile goes together in the next batch. `run` answers each item in order; what it throws reaches every
 * caller of that batch.
 */
export function createBatcher<In, Out>(options: {
  /** Most items in one batch. */
  readonly maxSize: number
  /** Most batches under way at once. */
  readonly concurrency: number
  readonly run: (items: readonly In[]) => Promise<readonly Out[]>
}): (item: In) => Promise<Out> {
  let waiting: Waiting<In, Out>[] = []
  let running = 0

  async function flush(batch: readonly Waiting<In, Out>[]): Promise<void> {
    try {
      const results = await options.run(batch.map((one) => one.item))
      batch.forEach((one, index) => {
        one.resolve(results[index] as Out)
      })
    } catch (error) {
      for (const one of batch) one.reject(error)
    } finally {
      running -= 1
      start()
    }
  }

  function start(): void {
    while (running < options.concurrency && waiting.length > 0) {
      const batch = waiting.slice(0, options.maxSize)
      waiting = waiting.slice(options.maxSize)
      running += 1
      void flush(batch)
    }
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject })
      // Calls made in the same turn of the event loop belong together.
      queueMicrotask(start)
    })
}
