/**
 * `act`, with what it throws handed to `onThrow`, whose value then stands for its own: for callbacks called from
 * sockets and libraries, where a throw would end the process or in the wrong hands.
 */
export function guarded<Values extends readonly unknown[], Result>(
  act: (...values: Values) => Result,
  onThrow: (bug: unknown) => Result,
): (...values: Values) => Result {
  return (...values) => {
    try {
      return act(...values)
    } catch (bug) {
      return onThrow(bug)
    }
  }
}
