/**
 * Reads no more of the body than the client takes, and nothing before it asks; what the body throws goes to `onError`,
 * which has to end the connection.
 */
export function streamOf(
  body: AsyncIterable<Uint8Array>,
  onError: (error: unknown) => void,
): ReadableStream<Uint8Array> {
  const iterator = body[Symbol.asyncIterator]()
  let isWanted = true
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
    const { done, value } = await iterator.next()
    // The client may have gone away meanwhile.
    if (!isWanted) return
    if (done) controller.close()
    else controller.enqueue(value)
  }
  return new ReadableStream<Uint8Array>(
    {
      // An error of the stream would reach the adapter, which prints errors and may show them to the client.
      pull: (controller) =>
        pull(controller).catch((error) => {
          onError(error)
        }),
      cancel: async () => {
        isWanted = false
        await iterator.return?.()
      },
    },
    { highWaterMark: 0 },
  )
}
