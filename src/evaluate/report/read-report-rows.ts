import type { ReportQueries } from './report-queries.ts'
import type { ReportRows, Side } from './shadow-findings.ts'

/** The rows that the store answers to one statement, in the order of its columns. */
export type Answered = readonly (readonly unknown[])[]

/** The answers to `reportQueries` as `shadowReport` takes them. What is not there reads as unknown. */
export function readReportRows(answers: Readonly<Record<keyof ReportQueries, Answered>>): ReportRows {
  const [savings = []] = answers.savings
  return {
    verdicts: answers.verdicts.map(([task, isControl, evaluator, version, d, failure, pairs, , redacted]) => ({
      task: text(task),
      isControl: isTrue(isControl),
      evaluator: text(evaluator),
      version: text(version),
      d: number(d),
      failure: text(failure),
      pairs: number(pairs) ?? 0,
      redacted: number(redacted) ?? 0,
    })),
    lengths: answers.lengths.map(([version, d, candidateChars, stableChars]) => ({
      version: text(version),
      d: number(d) ?? 0,
      candidateChars: number(candidateChars) ?? 0,
      stableChars: number(stableChars) ?? 0,
    })),
    calls: answers.calls.map((row) => ({
      task: text(row[0]),
      side: side(row[1]),
      provider: text(row[2]),
      model: text(row[3]),
      calls: number(row[4]) ?? 0,
      priced: number(row[5]) ?? 0,
      observedUsd: number(row[6]),
      listUsd: number(row[7]),
      durationMsP50: number(row[8]),
      durationMsP95: number(row[9]),
      firstTokenMsP50: number(row[10]),
      firstTokenMsP95: number(row[11]),
    })),
    savings: {
      pairs: number(savings[0]) ?? 0,
      meanSavedUsd: number(savings[1]),
      deviationUsd: number(savings[2]),
      meanStableUsd: number(savings[3]),
    },
    failures: answers.failures.map(([of, kind, calls]) => ({
      side: side(of),
      kind: text(kind),
      calls: number(calls) ?? 0,
    })),
    worst: answers.worst.map(([traceId, task, d, isConsistent, explanation, hasContent]) => ({
      traceId: text(traceId),
      task: text(task),
      d: number(d) ?? 0,
      isConsistent: isConsistent === null ? undefined : isTrue(isConsistent),
      explanation: text(explanation),
      hasContent: isTrue(hasContent),
    })),
    funnel: answers.funnel.map(([stage, reason, requests]) => ({
      stage: text(stage),
      reason: text(reason),
      requests: number(requests) ?? 0,
    })),
  }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** Counts of 64 bits come as texts. */
function number(value: unknown): number | undefined {
  const read = typeof value === 'string' && value !== '' ? Number(value) : value
  return typeof read === 'number' && Number.isFinite(read) ? read : undefined
}

function isTrue(value: unknown): boolean {
  return value === true || value === 1
}

function side(value: unknown): Side {
  return value === 'candidate' ? 'candidate' : 'stable'
}
