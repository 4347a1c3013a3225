const form = /^[A-Z][A-Z0-9_]{0,63}$/
/** Variables that decide how a program starts, or what the server itself says to it. */
const reserved = /^(?:PATH|HOME|TMPDIR|SHELL|USER|LANG|LANGUAGE|IFS|TZ|ENV|BASH_ENV|(?:NODE|LD|DYLD|LC|SIGNALBOX)_.*)$/

/** Why a text can't name a secret, which programs find in a variable of that name; undefined when it can. */
export function secretNameFault(name: string): string | undefined {
  if (!form.test(name)) return 'must be 1 to 64 upper-case letters, digits and underscores, beginning with a letter'
  return reserved.test(name) ? 'is reserved for the environment of programs' : undefined
}

/** The shortest value of a secret, in characters: shorter ones could not be masked, since they are part of many words. */
export const minSecretLength = 4
