import { type Feedback, type FeedbackOptions, openFeedback } from '../feedback/open-feedback.ts'
import type { Store } from '../store/store.ts'
import type { Closers } from './closers.ts'

export type FeedbackParts = Omit<FeedbackOptions, 'store'> & { readonly store: Pick<Store, 'journal' | 'feedback'> }

/** Opens the loop from evidence to weights, over the rooms of this process. */
export function openFeedbackParts({ store, ...rest }: FeedbackParts, closers: Closers): Feedback {
  const { journal, feedback } = store
  const opened = openFeedback({
    ...rest,
    store:
      journal === undefined ? undefined : { ...feedback, record: (entry) => journal.append('weight_decisions', entry) },
  })
  closers.add(opened.close)
  return opened
}
