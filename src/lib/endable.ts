/**
 * The same generator, but its `return` ends it also while it waits for something: `close` has to end that. An async
 * generator's own `return` waits for its turn instead, and one that never began would not even clean up.
 */
export function endable<T>(generator: AsyncGenerator<T>, close: () => void): AsyncGenerator<T> {
  const end = generator.return.bind(generator)
  return Object.assign(generator, {
    return(value: unknown) {
      close()
      return end(value)
    },
  })
}
