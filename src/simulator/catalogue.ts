import { aModel, judgeHabits, type SimulatedModel } from './model.ts'

/** A provider's model at the pace that users see, made ten times faster so that a demo takes minutes. */
const openai = (name: string, snapshot: string, changes: Partial<SimulatedModel>): SimulatedModel =>
  aModel(name, { snapshot, speaks: ['openai'], jitter: 0.3, ...changes })
const anthropic = (name: string, snapshot: string, changes: Partial<SimulatedModel>): SimulatedModel =>
  aModel(name, { snapshot, speaks: ['anthropic'], jitter: 0.3, ...changes })
const gemini = (name: string, snapshot: string, changes: Partial<SimulatedModel>): SimulatedModel =>
  aModel(name, { snapshot, speaks: ['gemini'], jitter: 0.3, ...changes })
const simulated = (name: string, changes: Partial<SimulatedModel> = {}): SimulatedModel =>
  aModel(name, { usdPerMillion: { input: 1, output: 4 }, ...changes })

/** What a simulator serves unless told otherwise: well-known names, then models made to misbehave. */
export const DEFAULT_CATALOGUE: readonly SimulatedModel[] = [
  openai('gpt-4o', 'gpt-4o-2024-08-06', { firstByteMs: 30, firstTokenMs: 45, tokensPerSecond: 1000, quality: 0.95 }),
  openai('gpt-4o-mini', 'gpt-4o-mini-2024-07-18', {
    firstByteMs: 20,
    firstTokenMs: 30,
    tokensPerSecond: 1300,
    quality: 0.85,
    qualityByKind: { arithmetic: 0.8 },
  }),
  openai('gpt-4.1-nano', 'gpt-4.1-nano-2025-04-14', {
    firstByteMs: 15,
    firstTokenMs: 20,
    tokensPerSecond: 2000,
    quality: 0.7,
    qualityByKind: { arithmetic: 0.5 },
  }),
  openai('gpt-5', 'gpt-5-2025-08-07', {
    firstByteMs: 40,
    firstTokenMs: 300,
    tokensPerSecond: 900,
    reasoningTokens: 320,
    quality: 0.98,
  }),
  openai('gpt-5-mini', 'gpt-5-mini-2025-08-07', {
    firstByteMs: 30,
    firstTokenMs: 120,
    tokensPerSecond: 1200,
    reasoningTokens: 128,
    quality: 0.94,
  }),
  openai('gpt-3.5-turbo-instruct', 'gpt-3.5-turbo-instruct:20230824-v2', {
    does: 'completion',
    firstByteMs: 15,
    firstTokenMs: 20,
    tokensPerSecond: 1500,
    quality: 0.6,
  }),
  openai('text-embedding-3-small', 'text-embedding-3-small', { does: 'embedding', firstByteMs: 5 }),
  openai('text-embedding-3-large', 'text-embedding-3-large', { does: 'embedding', firstByteMs: 8 }),
  anthropic('claude-opus-4-5', 'claude-opus-4-5-20251101', {
    firstByteMs: 60,
    firstTokenMs: 90,
    tokensPerSecond: 600,
    quality: 0.98,
  }),
  anthropic('claude-sonnet-5-5', 'claude-sonnet-5-5', {
    firstByteMs: 40,
    firstTokenMs: 60,
    tokensPerSecond: 900,
    quality: 0.97,
  }),
  anthropic('claude-sonnet-4-5', 'claude-sonnet-4-5-20250929', {
    firstByteMs: 50,
    firstTokenMs: 70,
    tokensPerSecond: 750,
    quality: 0.96,
  }),
  anthropic('claude-haiku-4-5', 'claude-haiku-4-5-20251001', {
    firstByteMs: 25,
    firstTokenMs: 35,
    tokensPerSecond: 1600,
    quality: 0.88,
  }),
  gemini('gemini-2.5-pro', 'gemini-2.5-pro', {
    firstByteMs: 50,
    firstTokenMs: 400,
    tokensPerSecond: 1100,
    reasoningTokens: 400,
    quality: 0.97,
  }),
  gemini('gemini-2.5-flash', 'gemini-2.5-flash', {
    firstByteMs: 30,
    firstTokenMs: 90,
    tokensPerSecond: 2000,
    reasoningTokens: 96,
    quality: 0.92,
  }),
  gemini('gemini-2.5-flash-lite', 'gemini-2.5-flash-lite', {
    firstByteMs: 15,
    firstTokenMs: 25,
    tokensPerSecond: 2600,
    quality: 0.8,
  }),
  gemini('gemini-embedding-001', 'gemini-embedding-001', { does: 'embedding', firstByteMs: 8 }),
  // Load tests: nothing is computed, nothing waits. `sim-stream` sends every event as a packet of its own.
  simulated('sim-fast', { isCanned: true, outputTokens: { min: 50, max: 50 } }),
  simulated('sim-stream', { isCanned: true, isUnbuffered: true, outputTokens: { min: 50, max: 50 } }),
  // Tests of content: no delays, no faults, real answers.
  simulated('sim-plain'),
  simulated('sim-embedding', { does: 'embedding' }),
  simulated('sim-instruct', { does: 'completion' }),
  simulated('sim-reasoning', { reasoningTokens: 64, quality: 0.99 }),
  // As good as its price says: a candidate that deserves promotion and one that does not.
  simulated('sim-worthy', {
    quality: 0.96,
    firstByteMs: 10,
    firstTokenMs: 15,
    tokensPerSecond: 2000,
    usdPerMillion: { input: 0.2, output: 0.8 },
  }),
  simulated('sim-unworthy', {
    quality: 0.5,
    firstByteMs: 10,
    firstTokenMs: 15,
    tokensPerSecond: 2000,
    usdPerMillion: { input: 0.1, output: 0.4 },
  }),
  // Judges of answers, each with a habit of its own.
  simulated('judge-fair', { judges: judgeHabits({ noise: 0.1 }) }),
  simulated('judge-first', { judges: judgeHabits({ firstShare: 0.7 }) }),
  simulated('judge-long', { judges: judgeHabits({ noise: 0.1, lengthWeight: 1.5 }) }),
  simulated('judge-obedient', { judges: judgeHabits({ isObedient: true }) }),
  simulated('judge-broken', { judges: judgeHabits({ brokenShare: 0.3 }) }),
  // Trouble.
  simulated('sim-slow', { firstByteMs: 400, firstTokenMs: 800, tokensPerSecond: 40 }),
  simulated('sim-flaky', {
    faults: [
      { fault: 'status@503', probability: 0.1 },
      { fault: 'status@429', probability: 0.05 },
      { fault: 'cut@4', probability: 0.05 },
    ],
  }),
  simulated('sim-limited', { faults: [{ fault: 'status@429', probability: 1 }] }),
  simulated('sim-down', { faults: [{ fault: 'status@503', probability: 1 }] }),
  simulated('sim-cut', { faults: [{ fault: 'cut@4', probability: 1 }] }),
  simulated('sim-hang', { faults: [{ fault: 'hang', probability: 1 }] }),
  simulated('sim-stall', { faults: [{ fault: 'hang@4', probability: 1 }] }),
  simulated('sim-truncated', { faults: [{ fault: 'end@4', probability: 1 }] }),
  simulated('sim-garbage', { faults: [{ fault: 'garbage@http', probability: 1 }] }),
  simulated('sim-error-frame', { faults: [{ fault: 'error', probability: 1 }] }),
  simulated('sim-drip', { faults: [{ fault: 'drip@5', probability: 1 }] }),
  simulated('sim-gigantic', { faults: [{ fault: 'gigantic@10485760', probability: 1 }] }),
  simulated('sim-multibyte', { faults: [{ fault: 'multibyte', probability: 1 }] }),
]
