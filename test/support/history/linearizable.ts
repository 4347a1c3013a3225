/** One call of a client, and what it knows of its time. */
export interface Call<Asked, Answer> {
  readonly asked: Asked
  /** Undefined: nobody knows whether it was done, or will be. */
  readonly answer: Answer | undefined
  /** Places in one order of all that happened at the clients; a call without an answer never returned. */
  readonly began: number
  readonly ended: number
}

/** What something does when calls come one after the other. */
export interface Model<State, Asked, Answer> {
  readonly initial: State
  /** The state after the call, if it could have been answered so; any answer when that is undefined. */
  step(state: State, asked: Asked, answer: Answer | undefined): State | undefined
  /** Equal for equal states. */
  key(state: State): string
}

/**
 * Whether calls at the same time can be put into an order that agrees with their times, in which one after the other
 * would have been answered as they were (Wing and Gong's search, with the memory of Lowe's). A call without an answer may
 * have its place anywhere behind its beginning, or nowhere.
 */
export function isLinearizable<State, Asked, Answer>(
  calls: readonly Call<Asked, Answer>[],
  model: Model<State, Asked, Answer>,
): boolean {
  const byBeginning = calls.toSorted((a, b) => a.began - b.began)
  const answered = byBeginning.filter(({ answer }) => answer !== undefined)
  const lost = byBeginning.filter(({ answer }) => answer === undefined)
  const seen = new Set<string>()
  // A stack of its own: histories are longer than the engine's is deep.
  const stack: Place<State>[] = [{ state: model.initial, done: 0, beyond: [], found: [] }]
  for (let place = stack.pop(); place !== undefined; place = stack.pop()) {
    if (place.done === answered.length) return true
    // Calls with an answer, the earliest first, are tried before those of which nobody knows.
    for (const next of following(place, answered, lost, model).reverse()) {
      const key = `${next.done}:${next.beyond}:${next.found}|${model.key(next.state)}`
      if (!seen.has(key)) stack.push(next)
      seen.add(key)
    }
  }
  return false
}

/** How far the search has come, on one way. */
interface Place<State> {
  readonly state: State
  /** So many answered calls, from the first on, have their place. */
  readonly done: number
  /** And so have these behind them, in order. */
  readonly beyond: readonly number[]
  /** Calls without an answer that have one. */
  readonly found: readonly number[]
}

/** Where the search can go on: with a call that began before any that is left has returned. */
function following<State, Asked, Answer>(
  place: Place<State>,
  answered: readonly Call<Asked, Answer>[],
  lost: readonly Call<Asked, Answer>[],
  model: Model<State, Asked, Answer>,
): Place<State>[] {
  const { state, done, beyond, found } = place
  const next: Place<State>[] = []
  let firstEnd = Number.POSITIVE_INFINITY
  for (let index = done; index < answered.length; index += 1) {
    const call = answered[index]
    if (call === undefined || call.began > firstEnd) break
    if (beyond.includes(index)) continue
    firstEnd = Math.min(firstEnd, call.ended)
    const after = model.step(state, call.asked, call.answer)
    if (after !== undefined) next.push({ state: after, found, ...advanced(done, beyond, index) })
  }
  lost.forEach((call, index) => {
    if (call.began > firstEnd || found.includes(index)) return
    const after = model.step(state, call.asked, undefined)
    if (after === undefined || model.key(after) === model.key(state)) return
    next.push({ ...place, state: after, found: [...found, index].toSorted((a, b) => a - b) })
  })
  return next
}

function advanced(done: number, beyond: readonly number[], index: number): { done: number; beyond: number[] } {
  const left = new Set([...beyond, index])
  let upTo = done
  while (left.delete(upTo)) upTo += 1
  return { done: upTo, beyond: [...left].toSorted((a, b) => a - b) }
}
