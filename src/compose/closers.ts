/** What has been opened, to be closed in reverse order. */
export type Closers = {
  readonly add: (close: () => Promise<unknown>) => void
  readonly closeAll: () => Promise<void>
}

export function createClosers(): Closers {
  const closers: (() => Promise<unknown>)[] = []
  return {
    add: (close) => void closers.push(close),
    closeAll: async () => {
      for (const close of closers.splice(0).reverse()) await close()
    },
  }
}

/** What `build` makes; when it throws, what it has opened until then is closed before. */
export async function closingOnFailure<T>(closers: Closers, build: () => Promise<T>): Promise<T> {
  try {
    return await build()
  } catch (error) {
    await closers.closeAll()
    throw error
  }
}
