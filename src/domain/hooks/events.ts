/** The types of journal entries about hooks. */
export type HookEventType = 'hook.received' | 'hook.refused'

/** Left out of event lists unless asked for: anyone can cause these. */
export const quietHookEventTypes: readonly string[] = ['hook.refused' satisfies HookEventType]
