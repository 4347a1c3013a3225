/** The environment variables that a command sees. */
export type Environment = Readonly<Record<string, string | undefined>>
